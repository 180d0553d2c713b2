// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Benchmarks.Shards;
using Perfolizer.Horology;

namespace ColoWire.Benchmarks.Micro;

/// <summary>Makes BenchmarkDotNet measure the CPU time of its thread, which excludes other processes.</summary>
internal sealed class CpuClock : IClock
{
    /// <inheritdoc/>
    public string Title => "CPU time of the thread";

    /// <inheritdoc/>
    public bool IsAvailable => true;

    /// <inheritdoc/>
    public Frequency Frequency => new(1_000_000_000);

    /// <inheritdoc/>
    public long GetTimestamp() => ThreadClock.NowNs;
}
