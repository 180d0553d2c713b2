// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Linq;

namespace ColoWire.Benchmarks.Shards;

internal static class ShardCommand
{
    public static int Run(string[] args)
    {
        (string, Workload, int)[] all =
        [
            ("udp 64 x64", new Workload(false, 64, 64), 0),
            ("tcp 64 x64", new Workload(true, 64, 64), 0),
            ("udp 64 x1", new Workload(false, 1, 64), 0),
            ("tcp 64 x1", new Workload(true, 1, 64), 0),
            ("udp 64 x128k", new Workload(false, 1 << 17, 64), 0),
            ("tcp 64 x128k", new Workload(true, 1 << 17, 64), 0),
            ("udp 1500 x64", new Workload(false, 64, 1500), 0),
            ("tcp 1500 x64", new Workload(true, 64, 1500), 0),
            ("udp 64 x1M", new Workload(false, 1 << 20, 64), 0),
            ("tcp 64 x1M", new Workload(true, 1 << 20, 64), 0),
            ("udp 64 x1 held 1", new Workload(false, 1, 64), 1),
            ("udp 64 x1 held 1000", new Workload(false, 1, 64), 1000),
            ("tcp 64 x1 held 1", new Workload(true, 1, 64), 1),
            ("tcp 64 x1 held 1000", new Workload(true, 1, 64), 1000),
        ];
        foreach ((string name, Workload workload, int held) in all.Where(a => args.Length == 0 || args.Any(w => a.Item1.StartsWith(w, StringComparison.Ordinal))))
        {
            using ShardRig rig = new(workload, held);
            using BareLoop bareLoop = new(workload);
            const int Pairs = 1 << 20;
            double[] ours = new double[7];
            double[] bare = new double[7];
            for (int i = 0; i < ours.Length; i++)
            {
                long start = ThreadClock.NowNs;
                rig.Run(Pairs);
                long middle = ThreadClock.NowNs;
                bareLoop.Run(Pairs);
                ours[i] = (middle - start) / (double)Pairs;
                bare[i] = (ThreadClock.NowNs - middle) / (double)Pairs;
            }

            rig.Check();
            Array.Sort(ours);
            Array.Sort(bare);
            Console.WriteLine($"{name,-22} {ours[3],7:F1} ns/pair ({1000 / ours[3],6:F1} M/s) [{ours[0]:F1}..{ours[6]:F1}]  bare {bare[3],6:F1} ns ({1000 / bare[3],6:F1} M/s)  rate ratio {bare[3] / ours[3]:F2}");
        }

        return 0;
    }
}
