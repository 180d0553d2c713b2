// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine.Checkpoint;
using ColoWire.Ports.Checkpoint;
using ColoWire.Reports;

namespace ColoWire.Hosting;

/// <summary>The state of the checkpoint requester.</summary>
/// <param name="Name">The requester as the operator has written it.</param>
/// <param name="IsReady">Whether a checkpoint can be requested now.</param>
/// <param name="Trouble">Why none can be requested, or why the last request failed; else null.</param>
/// <param name="Counts">Its counters.</param>
internal readonly record struct RequesterSnapshot(string Name, bool IsReady, string? Trouble, RequesterCounts Counts)
{
    /// <summary>The same for reports.</summary>
    public RequesterState State => RequesterState.Of(Name, IsReady, Trouble, Counts);

    /// <summary>Reads the state.</summary>
    public static RequesterSnapshot Of(ICheckpointRequester requester) => requester is CheckpointRequester asked
        ? new RequesterSnapshot(asked.Name, asked.IsReady, asked.Trouble, asked.Counts)
        : new RequesterSnapshot(RequesterSpec.None.ToString(), requester.IsReady, null, default);
}
