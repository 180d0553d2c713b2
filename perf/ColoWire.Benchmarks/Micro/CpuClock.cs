// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Benchmarks.Shards;
using Perfolizer.Horology;

namespace ColoWire.Benchmarks.Micro;

/// <summary>Lets BenchmarkDotNet count CPU time of its thread, so that what others do on the machine meanwhile does not count.</summary>
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
