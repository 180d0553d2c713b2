// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using ColoWire.Ports.Linux;

namespace ColoWire.Options;

/// <summary>The resources of the machine that options depend on.</summary>
/// <param name="Cpus">Numbers of the CPUs that it may use.</param>
/// <param name="MemoryBytes">Memory that it may use, the limit of its control group included.</param>
public sealed record MachineFacts(IReadOnlyList<int> Cpus, long MemoryBytes)
{
    /// <summary>Reads the facts of this machine.</summary>
    public static MachineFacts Read() => new(CpuAffinity.AllowedCpus(), GC.GetGCMemoryInfo().TotalAvailableMemoryBytes);
}
