// SPDX-License-Identifier: GPL-2.0-or-later

using System.Threading;
using ColoWire.Engine.Rings;

namespace ColoWire.Engine.Checkpoint;

/// <summary>The ring of reports from the gate to the host.</summary>
internal sealed class ReportOutlet
{
    private readonly SpscRing<CheckpointReport> ring = new(EngineLimits.ReportRingEntries);
    private readonly CheckpointReport[] read = new CheckpointReport[1];
    private long lost;

    /// <summary>The number of reports that were lost because the host did not fetch earlier ones in time; any thread may read
    /// it.</summary>
    public long Lost => Volatile.Read(ref lost);

    /// <summary>Gate: adds a report.</summary>
    public void Add(in CheckpointReport report)
    {
        if (!ring.TryAdd(in report))
        {
            Volatile.Write(ref lost, lost + 1);
        }

        ring.Publish();
    }

    /// <summary>Host: fetches the oldest report.</summary>
    /// <returns>False when there is none.</returns>
    public bool TryRead(out CheckpointReport report)
    {
        bool hasRead = ring.Read(read) != 0;
        report = read[0];
        return hasRead;
    }
}
