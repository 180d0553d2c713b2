// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text.RegularExpressions;
using System.Threading;

namespace ColoWire.Rig.Live;

/// <summary>
/// Programs that move the same frames between the same kind of cables, one at a time: each has a namespace with three
/// cables. The generator and the sink have CPU 0, what is measured has CPU 1. On virtual cables the receiver's softirq runs on
/// the sender's CPU: the capture's on the generator's, the sink's on that of what is measured.
/// </summary>
internal sealed partial class Contest : IDisposable
{
    /// <summary>The CPU of the generator, the sink and the rig itself.</summary>
    public const int FeederCpu = 0;

    /// <summary>The CPU of what is measured.</summary>
    public const int MeasuredCpu = 1;

    private const string FeedSpace = "feed";

    /// <summary>Time between two looks at how much has arrived.</summary>
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(10);

    private readonly NetworkSpaces spaces;
    private readonly IFeeder feeder;
    private readonly ContestShape shape;
    private readonly Dictionary<string, SpaceProcess> running = [];
    private readonly HashSet<string> bareCables = [];
    private readonly int softirqId = SoftirqId();

    /// <summary>Makes the namespaces and cables.</summary>
    /// <param name="feeder">Makes the frames.</param>
    /// <param name="shape">How much is sent, and how rates are searched.</param>
    /// <param name="programs">What takes part, by name.</param>
    public Contest(IFeeder feeder, ContestShape shape, params IReadOnlyList<string> programs)
    {
        this.feeder = feeder;
        this.shape = shape;
        spaces = new NetworkSpaces([FeedSpace, .. programs]);
        try
        {
            foreach (string name in programs)
            {
                spaces.Cable((FeedSpace, $"{name}-p"), (name, "p0"));
                spaces.Cable((FeedSpace, $"{name}-s"), (name, "s0"));
                spaces.Cable((FeedSpace, $"{name}-o"), (name, "out0"));
            }
        }
        catch
        {
            spaces.Dispose();
            throw;
        }
    }

    /// <summary>How much is sent, and which way.</summary>
    public ContestShape Shape => shape;

    /// <summary>Lays a cable with nothing on it, whose ends are all in the generator's namespace.</summary>
    public void AddBareCable(string name)
    {
        bareCables.Add(name);
        spaces.Cable((FeedSpace, $"{name}-p"), (FeedSpace, $"{name}-o"));
        spaces.Cable((FeedSpace, $"{name}-s"), (FeedSpace, $"{name}-end"));
    }

    /// <summary>The interfaces into which frames are fed, as the programs of perf/rig take them.</summary>
    public string Inputs(string name) => Direction.List(name, shape.Direction.Inputs);

    /// <summary>The interfaces at which frames arrive. A bare cable has one of them.</summary>
    public string Outputs(string name) =>
        Direction.List(name, bareCables.Contains(name) ? shape.Direction.Outputs.Take(1) : shape.Direction.Outputs);

    /// <summary>Starts what is measured, which pins itself to its CPU.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="ready">Words that it prints when it takes frames.</param>
    /// <param name="words">The program and its arguments.</param>
    public void Start(string name, string ready, params IReadOnlyList<string> words)
    {
        running[name] = spaces.Start(name, ["taskset", "-c", $"{FeederCpu},{MeasuredCpu}", .. words]);
        running[name].AwaitWords(ready);
    }

    /// <summary>The process of what was started.</summary>
    public SpaceProcess Process(string name) => running[name];

    /// <summary>Ends what was started.</summary>
    public void End(string name, string signal = "TERM") => running[name].End(signal);

    /// <summary>Starts a program of the generator's.</summary>
    public SpaceProcess StartFeeding(params IReadOnlyList<string> words) => spaces.Start(FeedSpace, words);

    /// <summary>Runs a program of the generator's to its end.</summary>
    public string RunFeeding(params IReadOnlyList<string> words) => spaces.Run(FeedSpace, words);

    /// <summary>Feeds pairs; no two frames are alike.</summary>
    /// <param name="name">Whom.</param>
    /// <param name="traffic">The frames.</param>
    /// <param name="pairs">How many pairs.</param>
    /// <param name="rate">Pairs a second; 0: as fast as it can.</param>
    public Fed Feed(string name, Traffic traffic, long pairs, long rate) =>
        feeder.Read(RunFeeding(feeder.Words(Inputs(name), traffic, pairs, rate)), pairs);

    /// <summary>Feeds pairs in the background.</summary>
    public SpaceProcess StartToFeed(string name, Traffic traffic, long pairs, long rate) =>
        StartFeeding(feeder.Words(Inputs(name), traffic, pairs, rate));

    /// <summary>Feeds until every page has been touched and every method compiled for good, which the runtime puts off until the
    /// program is quiet; then pauses it.</summary>
    public void WarmUpAndPause(string name)
    {
        for (int i = 0; i < shape.WarmUps; i++)
        {
            foreach (Traffic traffic in shape.Traffic)
            {
                Feed(name, traffic, shape.WarmUpPairs, shape.WarmUpRate);
                Thread.Sleep(shape.WarmUpPause);
            }
        }

        // On a slow machine frames still wait for it: they would count as those of the first burst.
        AwaitArrival(name, Arrived(name), long.MaxValue, quietLooks: 20);
        running[name].Pause();
    }

    /// <summary>
    /// CPU time of a pair, in ns. A thread that polls takes its whole core at any rate, so what a pair costs shows only where
    /// there is nothing but work: it is paused while a burst comes in that its buffers hold, and then has it to do. Only threads
    /// that move frames count; what the others do goes by the clock and not by the pair. The CPU's softirq thread counts: when
    /// the kernel finds much to do for what was sent, it does it there.
    /// </summary>
    public double CpuPerPair(string name, Traffic traffic)
    {
        SpaceProcess process = running[name];
        long before = MovingNs(process);
        for (int cycle = 0; cycle < shape.Bursts; cycle++)
        {
            long[] from = Arrived(name);
            Feed(name, traffic, shape.BurstPairs, 0);
            process.Resume();
            long came = AwaitArrival(name, from, shape.BurstPairs, quietLooks: 50);
            process.Pause();
            if (came != shape.BurstPairs)
            {
                throw new RigException(
                    $"{name} lost {shape.BurstPairs - came} of {shape.BurstPairs} frames that wait for "
                    + "it: this is no measurement");
            }
        }

        return Math.Round((MovingNs(process) - before) / (double)(shape.Bursts * shape.BurstPairs));
    }

    /// <summary>
    /// The rate without loss in pairs a second, searched by halving as in RFC 2544, section 26.1, with short trials. A trial
    /// passes with at most one frame in 10,000 lost.
    /// </summary>
    /// <param name="name">What is measured.</param>
    /// <param name="traffic">The frames.</param>
    /// <param name="isBound">Whether the generator could not make more.</param>
    public double RateWithoutLoss(string name, Traffic traffic, out bool isBound)
    {
        const int PercentOfRate = 98;
        long low = 0, high = shape.HighestRate;
        double best = 0;
        isBound = false;
        running[name].Resume();
        for (int step = 0; step < shape.SearchSteps && !isBound; step++)
        {
            long rate = (low + high) / 2;
            if (Passes(name, traffic, rate) is { } reached)
            {
                best = Math.Max(best, reached);
                low = rate;
                // Beyond what the generator makes there is nothing to search.
                isBound = reached * 100 < rate * PercentOfRate;
            }
            else
            {
                high = rate;
            }
        }

        running[name].Pause();
        return best;
    }

    /// <summary>Frames that are lost of one trial at a rate, the least of as many trials as a rate has.</summary>
    /// <param name="name">What is measured.</param>
    /// <param name="traffic">The frames.</param>
    /// <param name="rate">Pairs a second.</param>
    public long LostAt(string name, Traffic traffic, long rate)
    {
        long least = long.MaxValue;
        running[name].Resume();
        for (int attempt = 0; attempt < shape.Attempts && least != 0; attempt++)
        {
            least = Math.Min(least, Try(name, traffic, rate).Lost);
        }

        running[name].Pause();
        return least;
    }

    /// <inheritdoc/>
    public void Dispose() => spaces.Dispose();

    /// <summary>The rate that a trial reached; null where it lost too many.</summary>
    private double? Passes(string name, Traffic traffic, long rate)
    {
        const int FramesPerLoss = 10_000;
        // A host that takes the CPU away for some milliseconds overruns any ring: a trial that fails may be made once more, for
        // all alike.
        for (int attempt = 0; attempt < shape.Attempts; attempt++)
        {
            (Fed fed, long lost) = Try(name, traffic, rate);
            if (lost <= fed.Pairs / FramesPerLoss)
            {
                return fed.Rate;
            }
        }

        return null;
    }

    private (Fed Fed, long Lost) Try(string name, Traffic traffic, long rate)
    {
        long[] from = Arrived(name);
        Fed fed = Feed(name, traffic, rate * shape.TrialMs / 1000, rate);
        return (fed, fed.Pairs - AwaitArrival(name, from, fed.Pairs, quietLooks: 9));
    }

    private static int SoftirqId()
    {
        string found = Tool.Run("pgrep", "-x", $"ksoftirqd/{MeasuredCpu}");
        return int.Parse(found, CultureInfo.InvariantCulture);
    }

    /// <summary>The frames that each output has received.</summary>
    private long[] Arrived(string name) =>
        [.. shape.Direction.Outputs.Select(end => spaces.Received(FeedSpace, Direction.Interface(name, end)))];

    /// <summary>Waits until so many frames have come to each sink, or none has for so many looks. A frame has arrived when each
    /// sink has received it.</summary>
    /// <returns>How many have arrived.</returns>
    private long AwaitArrival(string name, long[] from, long count, int quietLooks)
    {
        long before = -1;
        for (int quiet = 0; ;)
        {
            long now = Arrived(name).Zip(from, (received, first) => received - first).Min();
            quiet = now == before ? quiet + 1 : 0;
            if (now >= count || quiet >= quietLooks)
            {
                return now;
            }

            before = now;
            Thread.Sleep(LookInterval);
        }
    }

    private long MovingNs(SpaceProcess process) => process.CpuNs(MovingThreads()) + SpaceProcess.CpuNs(softirqId);

    [GeneratedRegex("^(colowire-|forwarder|xdp-forwarder)")]
    private static partial Regex MovingThreads();
}
