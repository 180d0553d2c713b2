// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Threading;
using ColoWire.Engine;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Pipelines;
using ColoWire.Hosting;
using ColoWire.Options;
using ColoWire.Ports;
using ColoWire.Ports.Linux;
using ColoWire.Ports.Xdp;
using ColoWire.Reports;
using NUnit.Framework;

namespace ColoWire.Wire.Tests.Live;

/// <summary>
/// What becomes of steady traffic when a frame makes ColoWire fail. The appliance runs in the test's process, because no option
/// can make it fail: a policy is given a prefix longer than an address, so that to look up a flow of that address throws.
/// </summary>
[TestFixture(LivePorts.Pcap)]
[TestFixture(LivePorts.XdpNative)]
[TestFixture(LivePorts.XdpGeneric)]
[Category("Wire")]
[NonParallelizable]
internal sealed class FailureTests(LivePorts ports)
{
    private const int FramesPerSecond = 5000;

    /// <summary>What no timeout of the kernel's program helps: it is to take over at once.</summary>
    private const int FailwireTimeoutMs = 10_000;

    private static readonly byte[] BadSource = [10, 66, 0, 1];

    private BridgeHost host = null!;

    [SetUp]
    public void SetUp()
    {
        host = new BridgeHost(ports);
        // Without it a cable takes nothing that XDP sends in native mode.
        host.Outside.Inside($"ethtool -K {BridgeHost.Wire(0)} gro on");
    }

    [TearDown]
    public void TearDown() => host?.Dispose();

    [Test]
    public void A_frame_that_makes_it_fail_ends_protection_for_a_moment_and_nothing_leaves_twice()
    {
        using Appliance appliance = StartInside();
        using SteadyTraffic traffic = new(host, FramesPerSecond);
        traffic.AwaitFlow();
        ApplianceSnapshot before = SnapshotReader.Of(appliance);
        using FarEnd guest = host.PrimaryGuest.Open(BridgeHost.Wire(0));
        for (int flow = 1; flow < FailureTolerance.SamePlace; flow++)
        {
            guest.Send(Bad(flow));
            PathFailure failure = NextFailure(appliance);
            TestContext.Out.WriteLine($"{ports}: away {failure.AwayNs / 1e6:F1} ms, lost {failure.LostOfPrimary} and {failure.LostOfSecondary} frames; {SnapshotReader.Of(appliance).FailWire}");
            Assert.That(failure.End, Is.Null);
            // Tens of milliseconds where nothing else runs, which the output above tells; that no timeout ended it is what can be asserted.
            Assert.That(failure.AwayNs / 1_000_000, Is.LessThan(FailwireTimeoutMs));
            long verified = SnapshotReader.Of(appliance).Released.Verified;
            Assert.That(() => SnapshotReader.Of(appliance).Released.Verified, Is.GreaterThan(verified + FramesPerSecond / 10).After((int)ColoWireProcess.Patience.TotalMilliseconds, 5), "frames are compared again");
        }

        int lost = traffic.Finish();
        appliance.Stop(Appliance.DrainPatience);
        ApplianceSnapshot last = SnapshotReader.Of(appliance);
        TestContext.Out.WriteLine($"{ports}: {lost} lost of {traffic.Sent}; {string.Join(", ", last.Drops)}; {last.FailWire}; divergences {string.Join(", ", last.DivergenceReasons)}");
        Assert.That(appliance.End, Is.EqualTo(ApplianceEnd.Drained), "every slot is home, those of the kernel's rings too");
        Assert.That(last.Failures, Is.EqualTo(FailureTolerance.SamePlace - 1));
        Assert.That(last.Released.Verified, Is.GreaterThan(before.Released.Verified), "it counts on");
        Assert.That(last.FailWire.ToWire, Is.Positive, "the kernel's program has taken over");
        Assert.That(last.QuarantinedFlows, Is.EqualTo(FailureTolerance.SamePlace - 1));
        long counted = last.Drops.Of("primary_failure");
        Assert.That(lost, Is.AtMost(counted), "what is lost is counted: the bad frames too, and those that only wait to be read are sent");
    }

    private static byte[] Bad(int flow)
    {
        byte[] frame = Datagrams.OfPrimary(flow, 0);
        BadSource.CopyTo(frame, 26);
        return frame;
    }

    private static PathFailure NextFailure(Appliance appliance)
    {
        PathFailure? failure = null;
        Assert.That(SpinWait.SpinUntil(() => appliance.Failures.TryRead(out failure), ColoWireProcess.Patience), Is.True, "it fails");
        return failure!;
    }

    private Appliance StartInside()
    {
        Appliance? appliance = null;
        host.Host.Inside(() =>
        {
            ApplianceOptions options = new()
            {
                PrimaryIn = Spec(BridgeHost.PrimaryPort(0)),
                SecondaryIn = Spec(BridgeHost.SecondaryPort(0)),
                OutDevice = Spec(BridgeHost.OutPort(0)),
                Cores = [CpuAffinity.AllowedCpus()[^1]],
                XdpQueues = [0],
                XdpMode = ports == LivePorts.XdpGeneric ? XdpMode.Generic : XdpMode.Native,
                FailwireTimeoutMs = FailwireTimeoutMs,
                Engine = new EngineOptions
                {
                    CompareTimeoutMs = 15_000,
                    Policies = [new PolicyRule(PolicyAction.Pass) { Network = new AddressPrefix(BadSource, 33) }],
                },
            };
            AppliancePorts opened = PortOpener.Open(options, [FramePath.MakeArena(options.Engine)], TimeProvider.System);
            appliance = new Appliance(options, opened, new NoCheckpoints(), TimeProvider.System);
            appliance.Start();
        });
        return appliance!;
    }

    private PortSpec Spec(string interfaceName)
    {
        Assert.That(PortSpec.TryParse(ports.Prefix() + interfaceName, out PortSpec? spec, out string? error), Is.True, error);
        return spec!;
    }
}
