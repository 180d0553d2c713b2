// SPDX-License-Identifier: GPL-2.0-or-later

using System.Threading;

namespace ColoWire.Benchmarks.Shards;

/// <summary>
/// Lets the compiler see TCP and UDP at once before anything is measured: it optimises by what it has seen, and code that has seen
/// only one of them would be the faster for it, and the other, which comes later, the slower.
/// </summary>
internal static class MixedWarmUp
{
    /// <summary>Runs both side by side until the compiler is done with them.</summary>
    public static void Run()
    {
        Thread tcp = new(() => Take(tcp: true));
        tcp.Start();
        Take(tcp: false);
        tcp.Join();
    }

    private static void Take(bool tcp)
    {
        const int Pairs = 1 << 22;
        Workload workload = new(tcp, 64, 64);
        using Runner appliance = Runner.Appliance(workload);
        using Runner bare = Runner.Bare(workload);
        appliance.Run(Pairs);
        bare.Run(Pairs);
        appliance.Check();
    }
}
