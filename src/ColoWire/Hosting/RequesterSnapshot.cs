// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine;
using ColoWire.Ports.Checkpoint;
using ColoWire.Reports;

namespace ColoWire.Hosting;

/// <summary>How it stands with whoever is asked for checkpoints.</summary>
/// <param name="Name">As the operator has written it.</param>
/// <param name="IsReady">Whether somebody can be asked now.</param>
/// <param name="Trouble">Why not, or why the last request failed; else null.</param>
/// <param name="Counts">What it has done.</param>
internal readonly record struct RequesterSnapshot(string Name, bool IsReady, string? Trouble, RequesterCounts Counts)
{
    /// <summary>The same for reports.</summary>
    public RequesterState State => RequesterState.Of(Name, IsReady, Trouble, Counts);

    /// <summary>Looks.</summary>
    public static RequesterSnapshot Of(ICheckpointRequester requester) => requester is CheckpointRequester asked
        ? new RequesterSnapshot(asked.Name, asked.IsReady, asked.Trouble, asked.Counts)
        : new RequesterSnapshot(RequesterSpec.None.ToString(), requester.IsReady, null, default);
}
