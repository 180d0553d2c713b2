// SPDX-License-Identifier: GPL-2.0-or-later

using System;

namespace ColoWire.Benchmarks.Shards;

/// <summary>Processes pairs of frames, and measures the CPU time, the allocated memory and the garbage collections.</summary>
internal sealed class Runner : IDisposable
{
    private readonly IDisposable owner;
    private readonly Action<long> run;
    private readonly Action check;

    private Runner(IDisposable owner, Action<long> run, Action check)
    {
        this.owner = owner;
        this.run = run;
        this.check = check;
    }

    /// <summary>Makes a whole appliance.</summary>
    public static Runner Appliance(Workload workload, int held = 0)
    {
        ShardRig rig = new(workload, held);
        return new Runner(rig, rig.Run, rig.Check);
    }

    /// <summary>Makes the loop that only compares bytes; it checks its result while it runs.</summary>
    public static Runner Bare(Workload workload)
    {
        BareLoop loop = new(workload);
        return new Runner(loop, loop.Run, () => { });
    }

    /// <summary>Processes a number of pairs.</summary>
    public Cost Run(long pairs)
    {
        int collections = GC.CollectionCount(0);
        long bytes = GC.GetAllocatedBytesForCurrentThread();
        long start = ThreadClock.NowNs;
        run(pairs);
        long ns = ThreadClock.NowNs - start;
        return new Cost(pairs, ns, GC.GetAllocatedBytesForCurrentThread() - bytes, GC.CollectionCount(0) - collections);
    }

    /// <summary>Throws when the runs have not done the work that they were to measure.</summary>
    public void Check() => check();

    /// <inheritdoc/>
    public void Dispose() => owner.Dispose();
}

/// <summary>The cost of a number of pairs.</summary>
/// <param name="Pairs">Number of pairs.</param>
/// <param name="CpuNs">CPU time of the thread, in nanoseconds.</param>
/// <param name="Bytes">Bytes that the thread allocated.</param>
/// <param name="Collections">Number of garbage collections of the process.</param>
internal readonly record struct Cost(long Pairs, long CpuNs, long Bytes, int Collections)
{
    /// <summary>CPU time of one pair, in nanoseconds.</summary>
    public double NsPerPair => CpuNs / (double)Pairs;

    /// <summary>Pairs per second of CPU time.</summary>
    public double PairsPerSecond => Pairs * 1e9 / CpuNs;
}
