// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Benchmarks.Shards;
using ColoWire.Engine;
using ColoWire.Engine.Checkpoint;
using ColoWire.Ports.Linux;

namespace ColoWire.Benchmarks.Hostile;

/// <summary>One appliance in memory that is given frames turn by turn, and tells what they cost.</summary>
internal sealed class HostileRig : IDisposable
{
    /// <summary>What the engine's clock advances per poll.</summary>
    private const long PollNs = 3000;

    /// <summary>Polls within which a turn is taken; where slots never come home, the workload is wrong.</summary>
    private const int MostPolls = 1 << 22;

    private readonly GivenPort primary = new();
    private readonly GivenPort secondary = new();
    private readonly CountingPort output = new();

    /// <summary>Makes it.</summary>
    public HostileRig(EngineOptions options) =>
        Path = new FramePath(options with { AdviseMemory = HugePages.Advise }, primary, secondary, output, new NoCheckpoints());

    /// <summary>The appliance.</summary>
    public FramePath Path { get; }

    /// <summary>The engine's clock.</summary>
    public long NowNs { get; set; }

    /// <summary>CPU time of the longest poll since it was last set.</summary>
    public long LongestPollNs { get; set; }

    /// <summary>Counters of the only shard.</summary>
    public ShardCounters Counters => Path.Shards[0].Counters;

    /// <summary>The primary sends.</summary>
    public void Primary(FrameWriter frames, int count)
    {
        primary.Give(frames, count);
        Run();
    }

    /// <summary>The primary sends with the polls to come.</summary>
    public void Give(FrameWriter frames, int count) => primary.Give(frames, count);

    /// <summary>The secondary sends.</summary>
    public void Secondary(FrameWriter frames, int count)
    {
        secondary.Give(frames, count);
        Run();
    }

    /// <summary>Both send at the same time.</summary>
    public void Both(FrameWriter frames, int count)
    {
        primary.Give(frames, count);
        secondary.Give(frames, count);
        Run();
    }

    /// <summary>Polls once, and measures it.</summary>
    public int MeasurePoll()
    {
        long start = ThreadClock.NowNs;
        int work = Path.Poll(NowNs);
        LongestPollNs = Math.Max(LongestPollNs, ThreadClock.NowNs - start);
        NowNs += PollNs;
        return work;
    }

    /// <summary>Polls until nothing is left to do.</summary>
    public void Settle()
    {
        for (int idle = 0; idle < 3;)
        {
            idle = MeasurePoll() == 0 ? idle + 1 : 0;
        }
    }

    private void Run()
    {
        // Until nothing is left to do: what a port has delivered may still wait in a ring.
        int work = 1;
        for (int polls = 0; !primary.IsDone || !secondary.IsDone || work != 0; polls++)
        {
            if (polls == MostPolls)
            {
                throw new InvalidOperationException("frames are not taken any more: no slot comes home");
            }

            work = Path.Poll(NowNs);
            NowNs += PollNs;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Path.Dispose();
}
