// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using BenchmarkDotNet.Attributes;
using ColoWire.Benchmarks.Shards;

namespace ColoWire.Benchmarks.Micro;

/// <summary>A whole appliance in memory, and the loop that only compares the same bytes; one operation is one pair.</summary>
public class ShardBenchmarks : IDisposable
{
    private const int Pairs = 1 << 16;

    private ShardRig? rig;
    private BareLoop? loop;

    /// <summary>Number of connections: the powers of two next above 10,000 and 1,000,000, because a workload's order is a
    /// mask.</summary>
    [Params(1, 64, 1 << 14, 1 << 20)]
    public int Flows { get; set; }

    /// <summary>Length of each frame, in bytes.</summary>
    [Params(64, 1500)]
    public int FrameBytes { get; set; }

    /// <summary>Whether the frames are TCP; otherwise they are UDP.</summary>
    [Params(true, false)]
    public bool Tcp { get; set; }

    /// <summary>Makes the appliance.</summary>
    [GlobalSetup(Target = nameof(Appliance))]
    public void SetUpAppliance() => rig = new ShardRig(new Workload(Tcp, Flows, FrameBytes));

    /// <summary>Makes the loop.</summary>
    [GlobalSetup(Target = nameof(Bare))]
    public void SetUpBare() => loop = new BareLoop(new Workload(Tcp, Flows, FrameBytes));

    /// <summary>Checks that all frames were verified, and frees the memory.</summary>
    [GlobalCleanup]
    public void Dispose()
    {
        rig?.Check();
        rig?.Dispose();
        loop?.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>The loop that only compares.</summary>
    [Benchmark(Baseline = true, OperationsPerInvoke = Pairs)]
    public void Bare() => loop!.Run(Pairs);

    /// <summary>Parse, hash, queue, compare, release.</summary>
    [Benchmark(OperationsPerInvoke = Pairs)]
    public void Appliance() => rig!.Run(Pairs);
}
