// SPDX-License-Identifier: GPL-2.0-or-later

using System.Threading;

namespace ColoWire.Benchmarks.Shards;

/// <summary>
/// Runs all kinds of traffic at once before the measurement, because the compiler optimises by the observed traffic (dynamic
/// PGO): code compiled for one kind only would be faster for that kind, and slower for those that follow.
/// </summary>
internal static class MixedWarmUp
{
    private const int Connections = 64;
    private const int FrameBytes = 96;
    private const int Pairs = 1 << 22;

    /// <summary>Runs all workloads alternately until the compiler has optimised their code.</summary>
    public static void Run()
    {
        Thread[] others =
        [
            new(() => Take(new Workload(tcp: true, Connections, FrameBytes), hasTwins: true)),
            new(() => Take(Workload.OfWebServer(Connections, FrameBytes), hasTwins: false)),
        ];
        foreach (Thread other in others)
        {
            other.Start();
        }

        Take(new Workload(tcp: false, Connections, FrameBytes), hasTwins: true);
        foreach (Thread other in others)
        {
            other.Join();
        }
    }

    private static void Take(Workload workload, bool hasTwins)
    {
        using Runner appliance = Runner.Appliance(workload);
        appliance.Run(Pairs);
        appliance.Check();
        if (hasTwins)
        {
            using Runner bare = Runner.Bare(workload);
            bare.Run(Pairs);
        }
    }
}
