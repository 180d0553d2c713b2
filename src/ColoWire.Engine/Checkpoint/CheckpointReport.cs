// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine.Flows;

namespace ColoWire.Engine.Checkpoint;

/// <summary>Something that a checkpoint mends: what the gate asks a checkpoint for, and what the host logs.</summary>
public struct CheckpointReport
{
    /// <summary>What has happened.</summary>
    public CheckpointCause Cause;

    /// <summary>Whether the connection has used up its share of checkpoints, so that none is asked for and its frames leave
    /// unverified.</summary>
    public bool ExceedsShare;

    /// <summary>The epoch in which it was found.</summary>
    public uint Epoch;

    /// <summary>When it was found, in nanoseconds of the engine's clock.</summary>
    public long AtNs;

    /// <summary>The connection; empty where all of them are concerned.</summary>
    public FlowKey Flow;

    /// <summary>In what the replicas differ; empty unless <see cref="Cause"/> is
    /// <see cref="CheckpointCause.Divergence"/>.</summary>
    public Divergence Divergence;
}
