// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Benchmarks.Shards;
using ColoWire.Engine;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Pipelines;
using ColoWire.Ports.Linux;

namespace ColoWire.Benchmarks.Hostile;

/// <summary>One appliance in memory that receives frames turn by turn, and measures their CPU time.</summary>
internal sealed class HostileRig : IDisposable
{
    /// <summary>By how much the engine's clock advances per poll, in nanoseconds.</summary>
    private const long PollNs = 3000;

    /// <summary>Greatest number of polls for a turn; more are needed only when slots are not returned, and then the workload is
    /// wrong.</summary>
    private const int MostPolls = 1 << 22;

    private readonly GivenPort primary = new();
    private readonly GivenPort secondary = new();
    private readonly CountingPort output = new();

    /// <summary>Makes the appliance.</summary>
    public HostileRig(EngineOptions options) =>
        Path = new FramePath(options with { AdviseMemory = HugePages.Advise }, primary, secondary, output, new NoCheckpoints());

    /// <summary>The appliance.</summary>
    public FramePath Path { get; }

    /// <summary>The time of the engine's clock, in nanoseconds.</summary>
    public long NowNs { get; set; }

    /// <summary>CPU time of the longest poll since this was last set, in nanoseconds.</summary>
    public long LongestPollNs { get; set; }

    /// <summary>Counters of the only shard.</summary>
    public ShardCounters Counters => Path.Shards[0].Counters;

    /// <summary>The primary sends.</summary>
    public void Primary(FrameWriter frames, int count)
    {
        primary.Give(frames, count);
        Run();
    }

    /// <summary>The primary sends frames that the next polls receive.</summary>
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

    /// <summary>Polls once, and measures the CPU time.</summary>
    public int MeasurePoll()
    {
        long start = ThreadClock.NowNs;
        int work = Path.Poll(NowNs);
        LongestPollNs = Math.Max(LongestPollNs, ThreadClock.NowNs - start);
        NowNs += PollNs;
        return work;
    }

    /// <summary>Polls until no duty has work left.</summary>
    public void Settle()
    {
        for (int idle = 0; idle < 3;)
        {
            idle = MeasurePoll() == 0 ? idle + 1 : 0;
        }
    }

    private void Run()
    {
        // Polls until no duty has work left, because frames that a port has delivered may still wait in a ring.
        int work = 1;
        for (int polls = 0; !primary.IsDone || !secondary.IsDone || work != 0; polls++)
        {
            if (polls == MostPolls)
            {
                throw new InvalidOperationException("the engine receives no more frames: no slot is returned");
            }

            work = Path.Poll(NowNs);
            NowNs += PollNs;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Path.Dispose();
}
