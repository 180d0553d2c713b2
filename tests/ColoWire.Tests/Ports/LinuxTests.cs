// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO.Pipes;
using System.Linq;
using System.Threading;
using ColoWire.Ports;
using ColoWire.Ports.Linux;
using ColoWire.Ports.Pcap;
using ColoWire.Ports.Xdp;
using NUnit.Framework;

namespace ColoWire.Tests.Ports;

[TestFixture]
internal sealed class LinuxTests
{
    [Test]
    public void A_pinned_thread_runs_on_its_processor_only()
    {
        IReadOnlyList<int> before = CpuAffinity.AllowedCpus();
        int cpu = before[^1];
        IReadOnlyList<int> allowed = [];
        int ranOn = -1;
        OnThread(() =>
        {
            CpuAffinity.Pin(cpu);
            allowed = CpuAffinity.AllowedCpus();
            ranOn = Thread.GetCurrentProcessorId();
        });

        Assert.That(allowed, Is.EqualTo(new[] { cpu }).AsCollection);
        Assert.That(ranOn, Is.EqualTo(cpu));
        Assert.That(CpuAffinity.AllowedCpus(), Is.EqualTo(before).AsCollection, "other threads are not pinned");
    }

    [TestCase(-1)]
    [TestCase(CpuAffinity.MaxCpus - 1)]
    [TestCase(CpuAffinity.MaxCpus)]
    public void The_error_for_a_processor_that_does_not_exist_names_the_allowed_ones(int cpu)
    {
        string allowed = string.Join(", ", CpuAffinity.AllowedCpus());
        PortException? error = null;
        OnThread(() => error = Assert.Throws<PortException>(() => CpuAffinity.Pin(cpu)));
        Assert.That(error!.Message, Is.EqualTo($"cannot run on processor {cpu}; allowed are {allowed}"));
    }

    [Test]
    public void A_wait_ends_when_a_descriptor_is_readable_or_after_the_timeout()
    {
        using AnonymousPipeServerStream writer = new(PipeDirection.Out);
        using AnonymousPipeClientStream reader = new(PipeDirection.In, writer.ClientSafePipeHandle);
        IdleWait wait = new([-1, (int)reader.SafePipeHandle.DangerousGetHandle()]);

        long start = Stopwatch.GetTimestamp();
        Assert.That(wait.Wait(50), Is.False);
        Assert.That(Stopwatch.GetElapsedTime(start).TotalMilliseconds, Is.GreaterThanOrEqualTo(49));

        writer.WriteByte(1);
        Assert.That(wait.Wait(10_000), Is.True, "it was readable, and the time was not over");
    }

    [Test]
    public void A_wait_allocates_nothing()
    {
        IdleWait wait = new([-1]);
        wait.Wait(0);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
            wait.Wait(0);
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);
    }

    [Test]
    public void A_small_ring_and_merging_offloads_are_problems()
    {
        InterfaceFacts facts = Fit with
        {
            Rings = new InterfaceRings(256, 4096, 256, 4096),
            Offloads = Fit.Offloads with { Lro = true },
        };

        Assert.That(
            string.Join("; ", InterfaceProblems.Of(facts).Select(p => p.Command)),
            Is.EqualTo("ethtool -K eth1 lro off; ethtool -G eth1 rx 4096"));
        Assert.That(InterfaceProblems.Of(Fit), Is.Empty);
    }

    [Test]
    public void An_interface_that_is_no_Ethernet_has_this_problem_only()
    {
        InterfaceProblem problem = InterfaceProblems.Of(Fit with { HardwareType = 772, IsUp = false }).Single();
        Assert.That(problem, Is.EqualTo(new InterfaceProblem("not an Ethernet interface (type 772): cannot be a port", null)));
    }

    [Test]
    public void A_dot_in_an_interface_name_is_a_slash_for_sysctl()
    {
        InterfaceFacts facts = Fit with { Name = "eth1.5", Addresses = ["fe80::1/64"] };
        Assert.That(InterfaceProblems.Of(facts).Single().Command, Is.EqualTo("sysctl -w net.ipv6.conf.eth1/5.disable_ipv6=1"));
    }

    [Test]
    public void The_interface_of_the_default_route_is_no_port_and_gets_no_command_that_would_cut_the_host_off()
    {
        InterfaceFacts facts = Fit with { HasDefaultRoute = true, Addresses = ["192.0.2.1/24", "fe80::1/64"] };
        InterfaceProblem problem = InterfaceProblems.Of(facts).Single();
        Assert.That(problem.What, Does.Contain("default route"));
        Assert.That(problem.Command, Is.Null);
    }

    [TestCase(0UL, false, false)]
    [TestCase(1UL << 12, false, false)]
    [TestCase(1UL << 13, true, false)]
    [TestCase((1UL << 13) | (1UL << 12) | (1UL << 39), true, false)]
    [TestCase((1UL << 13) | (1UL << 12) | (1UL << 39) | (1UL << 21), true, true)]
    [TestCase(ulong.MaxValue, true, true)]
    public void Ports_need_one_capability_and_programs_three_more(ulong capabilities, bool ports, bool programs)
    {
        PortPermissions permissions = InterfaceProblems.Permissions("colowire", capabilities);
        Assert.That((permissions.Ports is null, permissions.Programs is null), Is.EqualTo((ports, programs)));
        Assert.That(permissions.Problems, Has.Count.EqualTo((ports ? 0 : 1) + (programs ? 0 : 1)));
    }

    [TestCase(0xFUL, XdpSupport.ZeroCopy, null)]
    [TestCase(0x7UL, XdpSupport.Native, "with a copy")]
    [TestCase(0x3UL, XdpSupport.Native, "with a copy")]
    [TestCase(0x1UL, XdpSupport.Generic, "not in its driver")]
    [TestCase(0xAUL, XdpSupport.Generic, "not in its driver")]
    [TestCase(0UL, XdpSupport.Generic, "not in its driver")]
    [TestCase(null, XdpSupport.Unknown, "reported from Linux 6.3 on")]
    public void The_XDP_features_of_the_driver_decide_the_mode_of_the_port(ulong? features, XdpSupport support, string? why) =>
        Assert.That(XdpFitness.Of(Fit with { XdpFeatures = features }), Is.EqualTo(new XdpFitness(support, why)));

    [TestCase(1, 1770, XdpSupport.ZeroCopy, null)]
    [TestCase(1, 1771, XdpSupport.None, "MTU above 1770")]
    [TestCase(772, 1500, XdpSupport.None, "not Ethernet")]
    public void A_frame_must_fit_a_slot_with_the_kernels_headroom(int hardwareType, int mtu, XdpSupport support, string? why)
    {
        InterfaceFacts facts = Fit with { HardwareType = hardwareType, Mtu = mtu, XdpFeatures = 0xF };
        Assert.That(XdpFitness.Of(facts), Is.EqualTo(new XdpFitness(support, why)));
    }

    [TestCase(1500, 2048)]
    [TestCase(68, 2048)]
    [TestCase(2026, 2048)]
    [TestCase(2027, 2049)]
    [TestCase(9000, 9022)]
    [TestCase(65535, 65536)]
    public void The_snap_length_has_room_for_the_header_and_two_tags(int mtu, int snapLength) =>
        Assert.That(PcapCapturePort.SnapLengthFor(mtu), Is.EqualTo(snapLength));

    private static InterfaceFacts Fit => new()
    {
        Name = "eth1",
        IsUp = true,
        IsRunning = true,
        Mtu = 1500,
        HardwareType = 1,
        Addresses = [],
        Master = null,
        IsPromiscuous = false,
        Driver = "e1000e",
        Offloads = new InterfaceOffloads(false, false, false, false, true, true, true, true),
        Rings = new InterfaceRings(4096, 4096, 4096, 4096),
    };

    private static void OnThread(Action code)
    {
        Thread thread = new(() => code());
        thread.Start();
        thread.Join();
    }
}
