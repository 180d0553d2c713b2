// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.IO;

namespace ColoWire.Options;

/// <summary>What the machine gives to this process, as far as options depend on it.</summary>
/// <param name="Cpus">Numbers of the CPUs that it may use.</param>
/// <param name="MemoryBytes">Memory that it may use, the limit of its control group included.</param>
public sealed record MachineFacts(IReadOnlyList<int> Cpus, long MemoryBytes)
{
    private const string StatusFile = "/proc/self/status";
    private const string CpusField = "Cpus_allowed_list:";

    /// <summary>Reads the facts of this machine.</summary>
    public static MachineFacts Read() => new(ReadCpus(), GC.GetGCMemoryInfo().TotalAvailableMemoryBytes);

    private static List<int> ReadCpus()
    {
        List<int> cpus = [];
        foreach (string line in File.ReadLines(StatusFile))
        {
            // proc(5): a list of numbers and ranges, for example 0-3,8
            if (line.StartsWith(CpusField, StringComparison.Ordinal))
            {
                CpuListRow.TryRead(line[CpusField.Length..].Trim(), cpus);
            }
        }

        return cpus.Count != 0 ? cpus : throw new OptionException(
            $"{StatusFile} does not say which CPUs may be used: is this Linux with /proc?");
    }
}
