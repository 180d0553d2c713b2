// SPDX-License-Identifier: GPL-2.0-or-later

using System;

namespace ColoWire.Benchmarks.Shards;

/// <summary>Something that takes pairs, and is measured by the CPU time, the memory and the collections that they cost.</summary>
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

    /// <summary>A whole appliance.</summary>
    public static Runner Appliance(Workload workload, int held = 0)
    {
        ShardRig rig = new(workload, held);
        return new Runner(rig, rig.Run, rig.Check);
    }

    /// <summary>The loop that only compares bytes; it checks itself as it runs.</summary>
    public static Runner Bare(Workload workload)
    {
        BareLoop loop = new(workload);
        return new Runner(loop, loop.Run, () => { });
    }

    /// <summary>Takes pairs.</summary>
    public Cost Run(long pairs)
    {
        int collections = GC.CollectionCount(0);
        long bytes = GC.GetAllocatedBytesForCurrentThread();
        long start = ThreadClock.NowNs;
        run(pairs);
        long ns = ThreadClock.NowNs - start;
        return new Cost(pairs, ns, GC.GetAllocatedBytesForCurrentThread() - bytes, GC.CollectionCount(0) - collections);
    }

    /// <summary>Throws when the runs have not done what they are measured for.</summary>
    public void Check() => check();

    /// <inheritdoc/>
    public void Dispose() => owner.Dispose();
}

/// <summary>What pairs cost.</summary>
/// <param name="Pairs">How many.</param>
/// <param name="CpuNs">CPU time of the thread.</param>
/// <param name="Bytes">Allocated by the thread.</param>
/// <param name="Collections">Of garbage, by anybody.</param>
internal readonly record struct Cost(long Pairs, long CpuNs, long Bytes, int Collections)
{
    /// <summary>CPU time of one pair.</summary>
    public double NsPerPair => CpuNs / (double)Pairs;

    /// <summary>Pairs in a second of CPU time.</summary>
    public double PairsPerSecond => Pairs * 1e9 / CpuNs;
}
