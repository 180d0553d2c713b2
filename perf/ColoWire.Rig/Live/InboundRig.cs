// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using ColoWire.Figures;

namespace ColoWire.Rig.Live;

/// <summary>ColoWire with <c>inbound: mirror</c> on one kind of ports, in turn with a forwarder that sends each frame to two
/// ports.</summary>
internal sealed class InboundRig : IDisposable
{
    /// <summary>The name of the xdp ports in the rows.</summary>
    public const string XdpPorts = "xdp ports";

    /// <summary>The name of the pcap ports in the rows.</summary>
    public const string PcapPorts = "pcap ports";

    private const int Ring = 2048;

    // As in XdpCommand: rings that hold a burst.
    private const int BurstRing = 8192;

    private static readonly Traffic[] AllTraffic =
    [
        .. ((int[])[Traffic.LeastBytes, Traffic.MostBytes]).SelectMany(bytes => (Traffic[])
        [
            Traffic.Udp(bytes), Traffic.Tcp(bytes), Traffic.TcpWithTimestamps(bytes),
        ]),
    ];

    private static readonly ContestShape PcapShape = new()
    {
        Direction = Direction.Inbound,
        Traffic = AllTraffic,
        // What the kernel's buffer of a capture holds: 16 MiB of 2 KiB frames.
        BurstPairs = 6000,
        Bursts = 8,
        TrialMs = 250,
        SearchSteps = 6,
        Attempts = 2,
        HighestRate = 640_000,
        WarmUps = 2,
        WarmUpPairs = 20_000,
        WarmUpPause = TimeSpan.FromMilliseconds(200),
    };

    private static readonly ContestShape XdpShape = PcapShape with
    {
        BurstPairs = 4000,
        TrialMs = 150,
        SearchSteps = 7,
        HighestRate = 3_600_000,
    };

    private readonly LiveOptions options;
    private readonly string kind;
    private readonly Contest contest;
    private readonly Appliance appliance;
    private readonly Prober prober;
    private readonly CostSteps costs;
    private readonly string anchor;

    /// <summary>Makes the namespaces and cables; each step starts and ends the programs.</summary>
    /// <param name="options">What the verb was asked for.</param>
    /// <param name="ports">The kind of ports.</param>
    public InboundRig(LiveOptions options, string ports)
    {
        this.options = options;
        Ports = ports;
        kind = ports == XdpPorts ? "xdp" : "pcap";
        anchor = $"bare {(IsXdp ? "AF_XDP" : "libpcap")} forwarder to two ports";
        contest = new Contest(
            IsXdp ? new XdpFeeder(options.ToolPath("xdp-feeder")) : new PacketFeeder(options.ToolPath("feeder")),
            IsXdp ? XdpShape : PcapShape, Appliance.Name, CostSteps.Bare);
        contest.AddBareCable(LatencyStep.Direct);
        appliance = new Appliance(contest, options.Program);
        prober = new Prober(contest, options.ToolPath("prober"));
        costs = new CostSteps(contest, InboundCommand.Group, ports, anchor);
    }

    /// <summary>The kind of ports.</summary>
    public string Ports { get; }

    private bool IsXdp => Ports == XdpPorts;

    /// <inheritdoc/>
    public void Dispose()
    {
        appliance.Dispose();
        contest.Dispose();
    }

    /// <summary>CPU time of a frame, with the proof that the secondary's copies were translated.</summary>
    public void Cpu(IEnumerable<int> rounds)
    {
        StartAll(IsXdp ? "spin_then_poll" : null, BurstRing);
        Status before = StatusOfPaused();
        string rings = IsXdp ? $", rings of {BurstRing}" : string.Empty;
        int ran = 0;
        Row[] rows = costs.Cpu(Counted(), $"the threads that move frames; bursts of {contest.Shape.BurstPairs} frames{rings}");
        long fed = (long)ran * contest.Shape.Bursts * contest.Shape.BurstPairs * AllTraffic.Count(each => each.IsTranslated);
        long translated = (StatusOfPaused() - before).Translated;
        if (translated != fed)
        {
            throw new RigException($"of {fed} segments {translated} were translated: this is no measurement of a translation");
        }

        options.Tell(rows);
        EndAll();

        IEnumerable<int> Counted()
        {
            foreach (int round in rounds)
            {
                yield return round;
                ran++;
            }
        }
    }

    /// <summary>The rate without loss of frames that are translated, and what is lost below it.</summary>
    public void Rate(IEnumerable<int> rounds)
    {
        StartAll(IsXdp ? "spin" : null, Ring);
        string rings = IsXdp ? $", rings of {Ring}, all spin" : string.Empty;
        options.Tell(costs.RateAndLoss(
            rounds, [Traffic.Tcp(Traffic.LeastBytes), Traffic.Tcp(Traffic.MostBytes)],
            $"trials of {contest.Shape.TrialMs} ms, loss at most 0.01 %{rings}"));
        EndAll();
    }

    /// <summary>Latency while no thread sleeps.</summary>
    public void Latency(IEnumerable<int> rounds)
    {
        StartAll("spin", Ring);
        contest.Process(Appliance.Name).Resume();
        options.Tell(new InboundLatencyStep(contest, prober, Ports, anchor).Measure(rounds));
        EndAll();
    }

    /// <summary>Garbage while segments are translated.</summary>
    public void Garbage(IEnumerable<int> rounds)
    {
        StartAppliance(IsXdp ? "spin_then_poll" : null, Ring);
        contest.WarmUpAndPause(Appliance.Name);
        contest.Process(Appliance.Name).Resume();
        options.Tell(new GarbageStep(
            contest, appliance, InboundCommand.Group, Ports, Traffic.TcpWithTimestamps(Traffic.LeastBytes))
            .Measure(rounds, options.Rounds));
        contest.End(Appliance.Name);
    }

    /// <summary>What is measured and its anchor, warm and paused, with the TCP connections open.</summary>
    private void StartAll(string? idle, int ring)
    {
        string[] words = ["p0", "s0", "out0", $"{Contest.MeasuredCpu}"];
        contest.Start(
            CostSteps.Bare, "ready",
            IsXdp
                ? [options.ToolPath("xdp-forwarder"), .. words, $"{ring}", $"{2 * ring}", idle!, "mirror"]
                : [options.ToolPath("forwarder"), .. words, "mirror"]);
        contest.WarmUpAndPause(CostSteps.Bare);
        StartAppliance(idle, ring);
        contest.WarmUpAndPause(Appliance.Name);
    }

    private void StartAppliance(string? idle, int ring)
    {
        appliance.StartIsolated(Appliance.Options(kind, idle, failWireMs: 0, ring, mirrors: true));
        foreach (string word in Traffic.TcpWords)
        {
            contest.RunFeeding(
                options.ToolPath("opener"), Direction.Interface(Appliance.Name, 'o'), Direction.Interface(Appliance.Name, 'p'),
                Direction.Interface(Appliance.Name, 's'), word);
        }
    }

    private void EndAll()
    {
        contest.End(Appliance.Name);
        contest.End(CostSteps.Bare);
    }

    /// <summary>The counters after all frames that wait have passed.</summary>
    private Status StatusOfPaused()
    {
        contest.Process(Appliance.Name).Resume();
        // One line may be under way.
        _ = appliance.NextStatus();
        Status status = appliance.NextStatus();
        contest.Process(Appliance.Name).Pause();
        return status;
    }
}
