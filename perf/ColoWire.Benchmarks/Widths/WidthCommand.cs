// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Globalization;
using System.Linq;
using ColoWire.Benchmarks.Shards;

namespace ColoWire.Benchmarks.Widths;

/// <summary><c>width</c>: the child process of <c>shards</c> that measures with vectors of one width. It makes one run for each
/// line that names a workload, so that the processes of all widths run in turn.</summary>
internal static class WidthCommand
{
    /// <summary>The verb.</summary>
    public const string Name = "width";

    /// <summary>Pairs of a run.</summary>
    private const int Pairs = 1 << 20;

    /// <summary>Makes the verb.</summary>
    public static Command Create()
    {
        Command command = new(Name, "Measures workloads with vectors of one width, one run for each line of the standard input.")
        {
            Hidden = true,
        };
        command.SetAction(_ => Run());
        return command;
    }

    private static int Run()
    {
        MixedWarmUp.Run();
        Dictionary<string, Runner> runners = WidthWorkload.All.ToDictionary(
            workload => workload.Name, workload => workload.Start());
        Console.WriteLine(VectorWidth.CurrentBits.ToString(CultureInfo.InvariantCulture));
        while (Console.ReadLine() is { } name)
        {
            Cost cost = runners[name].Run(Pairs);
            runners[name].Check();
            Console.WriteLine(cost.PairsPerSecond.ToString("F0", CultureInfo.InvariantCulture));
        }

        foreach (Runner runner in runners.Values)
        {
            runner.Dispose();
        }

        return 0;
    }
}
