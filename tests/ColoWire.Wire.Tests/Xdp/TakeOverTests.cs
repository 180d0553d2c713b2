// SPDX-License-Identifier: GPL-2.0-or-later

using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using ColoWire.Ports;
using ColoWire.Ports.Linux;
using ColoWire.Ports.Xdp;
using ColoWire.Wire.Tests.Ports;
using NUnit.Framework;

namespace ColoWire.Wire.Tests.Xdp;

/// <summary>Programs of one process of ColoWire after another, and programs that are not ColoWire's.</summary>
[TestFixture]
[Category("Wire")]
internal sealed class TakeOverTests
{
    private const long MillisecondNs = 1_000_000;

    /// <summary><c>r0 = XDP_PASS; exit</c>.</summary>
    private static readonly ulong[] PassAll = [0x0000_0002_0000_00B7, 0x95];

    /// <summary>Beyond the greatest process id of Linux (2^22), so that no name is found.</summary>
    private const long SomebodyElse = (1L << 32) | 4_194_999;

    private PassingWire wire = null!;

    [SetUp]
    public void SetUp() => wire = new PassingWire();

    [TearDown]
    public void TearDown() => wire?.Dispose();

    [TestCase(XdpMode.Native, XdpMode.Native)]
    [TestCase(XdpMode.Generic, XdpMode.Generic)]
    [TestCase(XdpMode.Native, XdpMode.Generic)]
    [TestCase(XdpMode.Generic, XdpMode.Native)]
    public void After_a_kill_the_next_process_knows_how_long_the_bypass_lasted_and_its_frames(XdpMode first, XdpMode second) =>
        wire.Inside(() =>
        {
            using FarEnd guest = new(PassingWire.Guest);
            using FarEnd away = new(PassingWire.Away);
            long died = PassingWire.NowNs - (700 * MillisecondNs);
            using (PortProgram earlier = PortProgram.Load(PassingWire.Capture, Lasting(first)))
            {
                earlier.TakeOver();
                Assert.That(earlier.Before, Is.Null);
                earlier.Beat(0, died);
            }

            PassingWire.Send(guest, 4);
            Assert.That(away.Receive(4), Has.Count.EqualTo(4), "the program is still attached");
            using PortProgram program = PortProgram.Load(PassingWire.Capture, PassingWire.ToWire(second));
            program.Beat(0, PassingWire.NowNs + (5000 * MillisecondNs));
            program.TakeOver();
            long passed = PassingWire.NowNs - died;

            Bypass before = program.Before!;
            Assert.That(
                before, Is.EqualTo(new Bypass(before.AwayNs, new BypassedFrames(ToWire: 4, Dropped: 0), CleanStop: false)));
            Assert.That(before.AwayNs, Is.InRange(700 * MillisecondNs, passed));
            Assert.That(wire.Ask($"ip link show dev {PassingWire.Capture}"),
                Does.Contain(second == XdpMode.Native ? " xdp " : " xdpgeneric "));
            PassingWire.Send(guest, 3);
            WireNamespace.WaitUntil(() => program.PassedFrames == 3, "the new program decides");
        });

    [Test]
    public void After_a_clean_stop_the_next_process_knows_its_time_and_which_frames_were_reported() => wire.Inside(() =>
    {
        using FarEnd guest = new(PassingWire.Guest);
        using FarEnd away = new(PassingWire.Away);
        long stopped;
        using (PortProgram earlier = PortProgram.Load(PassingWire.Capture, Lasting(XdpMode.Native)))
        {
            earlier.TakeOver();
            PassingWire.Send(guest, 2);
            Assert.That(away.Receive(2), Has.Count.EqualTo(2));
            Assert.That(earlier.TakeBypassed(), Is.EqualTo(new BypassedFrames(2, 0)));
            earlier.Beat(0, PassingWire.NowNs);
            stopped = PassingWire.NowNs;
            earlier.HandOver();
        }

        PassingWire.Send(guest, 3);
        Assert.That(away.Receive(3), Has.Count.EqualTo(3));
        using PortProgram program = PortProgram.Load(PassingWire.Capture, PassingWire.ToWire(XdpMode.Native));
        program.TakeOver();
        long passed = PassingWire.NowNs - stopped;

        Bypass before = program.Before!;
        Assert.That(before, Is.EqualTo(new Bypass(before.AwayNs, new BypassedFrames(ToWire: 3, Dropped: 0), CleanStop: true)));
        Assert.That(before.AwayNs, Is.InRange(1, passed));
    });

    [Test]
    public void Programs_replace_each_other_under_traffic_and_no_frame_is_lost() => wire.Inside(() =>
    {
        const int frames = 3000;
        using FarEnd guest = new(PassingWire.Guest);
        using FarEnd away = new(PassingWire.Away);
        PortProgram current = PortProgram.Load(PassingWire.Capture, Lasting(XdpMode.Native));
        current.TakeOver();
        Task sending = Task.Run(() =>
        {
            for (int i = 0; i < frames; i++)
                guest.Send(WireFrames.Frame(60, i));
        });
        int turns = 0;
        while (!sending.IsCompleted || turns < 10)
        {
            PortProgram next = PortProgram.Load(PassingWire.Capture, Lasting(XdpMode.Native));
            next.TakeOver();
            current.Dispose();
            current = next;
            turns++;
        }

        sending.GetAwaiter().GetResult();
        Assert.That(
            away.Receive(frames), Is.EqualTo(Enumerable.Range(0, frames).Select(i => WireFrames.Frame(60, i))).AsCollection);
        current.Dispose();
    });

    [Test]
    public void A_program_is_detached_with_its_process_or_stays_as_the_options_say() => wire.Inside(() =>
    {
        int capture = InterfaceIndex.Of(PassingWire.Capture);
        using (PortProgram program = PortProgram.Load(PassingWire.Capture, PassingWire.ToWire(XdpMode.Native)))
        {
            Assert.That(RouteNetlink.Attached(capture), Is.Null, "a loaded program is not attached");
            program.TakeOver();
            Assert.That(RouteNetlink.Attached(capture)!.Value.Mode, Is.EqualTo(XdpMode.Native));
        }

        Assert.That(RouteNetlink.Attached(capture), Is.Null);
        using (PortProgram program = PortProgram.Load(PassingWire.Capture, Lasting(XdpMode.Generic)))
            program.TakeOver();
        Assert.That(RouteNetlink.Attached(capture)!.Value.Mode, Is.EqualTo(XdpMode.Generic));
    });

    [Test]
    public void A_process_that_was_replaced_detaches_nothing_when_it_ends() => wire.Inside(() =>
    {
        PortProgram earlier = PortProgram.Load(PassingWire.Capture, PassingWire.ToWire(XdpMode.Native));
        earlier.TakeOver();
        using PortProgram program = PortProgram.Load(PassingWire.Capture, PassingWire.ToWire(XdpMode.Native));
        program.TakeOver();

        earlier.Dispose();

        Assert.That(
            RouteNetlink.Attached(InterfaceIndex.Of(PassingWire.Capture))?.Id,
            Is.EqualTo(Bpf.ProgramInfo(program.Descriptor).Id));
    });

    [TestCase(XdpMode.Native, "xdp")]
    [TestCase(XdpMode.Generic, "xdpgeneric")]
    public void A_program_that_is_not_ColoWires_stays(XdpMode mode, string hook) => wire.Inside(() =>
    {
        int capture = InterfaceIndex.Of(PassingWire.Capture);
        int foreign = Bpf.LoadProgram("somebody", PassAll);
        uint id = Bpf.ProgramInfo(foreign).Id;
        Assert.That(RouteNetlink.Attach(capture, mode, foreign, RouteNetlink.NoProgram).Error, Is.Zero);
        _ = Libc.Close(foreign);
        using PortProgram program = PortProgram.Load(PassingWire.Capture, PassingWire.ToWire(XdpMode.Native));

        PortException refusal = Assert.Throws<PortException>(program.TakeOver)!;

        Assert.That(refusal.Message, Is.EqualTo(
            $"interface 'in0' has an XDP program that is not ColoWire's ('somebody', id {id}); "
            + $"remove it with: ip link set dev in0 {hook} off"));
        Assert.That(RouteNetlink.Attached(capture), Is.EqualTo(new AttachedProgram(id, mode)));
        wire.Inside($"ip link set dev in0 {hook} off");
        Assert.That(program.TakeOver, Throws.Nothing);
    });

    /// <summary>The last heartbeat of a killed process may be as recent as that of a running one, and that of a paused process
    /// older.</summary>
    [TestCase(true, true)]
    [TestCase(false, false)]
    public void An_interface_is_in_use_while_the_heartbeat_of_another_process_advances(bool beats, bool isInUse) =>
        wire.Inside(() =>
        {
            using PortProgram running = PortProgram.Load(PassingWire.Capture, Lasting(XdpMode.Generic));
            running.Beat(0, PassingWire.NowNs);
            running.TakeOver();
            running.OwnAs(SomebodyElse);
            bool ended = false;
            Task beating = Task.Run(() =>
            {
                while (beats && !Volatile.Read(ref ended))
                    running.Beat(0, PassingWire.NowNs);
            });

            PortException? refusal = null;
            try
            {
                EarlierProgram.RefuseIfAlive(PassingWire.Capture);
            }
            catch (PortException exception)
            {
                refusal = exception;
            }

            Volatile.Write(ref ended, true);
            beating.GetAwaiter().GetResult();
            Assert.That(refusal?.Message, isInUse
                ? Does.Match(
                    "^interface 'in0' is in use by another ColoWire \\(process 4194999\\) since "
                    + "\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d; "
                    + "end that one first \\(kill 4194999\\), name another interface, or take this one away "
                    + "from it with --take-over$")
                : Is.Null);
            Assert.That(
                RouteNetlink.Attached(InterfaceIndex.Of(PassingWire.Capture))?.Id, Is.EqualTo(running.Id), "nothing was changed");
        });

    [Test]
    public void An_interface_of_this_process_or_of_one_that_has_handed_over_is_not_in_use() => wire.Inside(() =>
    {
        using PortProgram running = PortProgram.Load(PassingWire.Capture, Lasting(XdpMode.Generic));
        running.TakeOver();
        bool ended = false;
        Task beating = Task.Run(() =>
        {
            while (!Volatile.Read(ref ended))
                running.Beat(0, PassingWire.NowNs);
        });
        Assert.That(() => EarlierProgram.RefuseIfAlive(PassingWire.Capture), Throws.Nothing, "the program of this process");
        running.OwnAs(SomebodyElse);
        running.HandOver();
        Assert.That(() => EarlierProgram.RefuseIfAlive(PassingWire.Capture), Throws.Nothing, "handed over");
        Volatile.Write(ref ended, true);
        beating.GetAwaiter().GetResult();
    });

    private static PortProgramOptions Lasting(XdpMode mode) => PassingWire.ToWire(mode) with { OutlivesProcess = true };
}
