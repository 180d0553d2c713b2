// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.IO;

namespace ColoWire.Ports.Linux;

/// <summary>
/// The CPUs to which the kernel's scheduler moves no task by itself, so that a thread pinned to one of them has it alone: those
/// of the boot parameter <c>isolcpus=domain</c> (Documentation/admin-guide/kernel-parameters) and of isolated cpuset partitions
/// (Documentation/admin-guide/cgroup-v2, <c>cpuset.cpus.partition</c>).
/// </summary>
public static class IsolatedCpus
{
    private static readonly string[] Files = ["/sys/devices/system/cpu/isolated", "/sys/fs/cgroup/cpuset.cpus.isolated"];

    /// <summary>Reads their numbers. A kernel or a container that has neither file has no such CPU.</summary>
    public static IReadOnlySet<int> Read()
    {
        HashSet<int> cpus = [];
        foreach (string file in Files)
        {
            if (TryReadText(file) is { } text
                && NumberRanges.TryParse(text, CpuAffinity.MaxCpus - 1, out IReadOnlyList<int> numbers))
            {
                cpus.UnionWith(numbers);
            }
        }

        return cpus;
    }

    private static string? TryReadText(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
