// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Engine.Checkpoint;

/// <summary>Makes checkpoints on request. Called by the thread of the <see cref="CheckpointGate"/> only; never blocks.</summary>
public interface ICheckpointRequester
{
    /// <summary>
    /// Whether a finished request makes the secondary a copy of the primary. Where it does not (requester <c>none</c>), a
    /// diverged flow stays diverged: it is released unverified from then on, and the other flows are compared as before.
    /// </summary>
    bool Synchronises { get; }

    /// <summary>Whether the requester can be reached now. A request that is made while it cannot be reached comes to nothing, and
    /// is made again.</summary>
    bool IsReady => true;

    /// <summary>Asks for a checkpoint, or asks again.</summary>
    /// <param name="cause">What makes it necessary.</param>
    /// <param name="nowNs">The engine's clock.</param>
    void Request(in CheckpointReport cause, long nowNs);

    /// <summary>What has happened since the last call.</summary>
    CheckpointEvent Poll(long nowNs);
}

/// <summary>What a requester has to tell.</summary>
public enum CheckpointEvent : byte
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>Both replicas have been stopped for a checkpoint, asked for or not. Nothing that they send from now on belongs to
    /// the time before it. Not every requester tells it.</summary>
    Began,

    /// <summary>A checkpoint has finished, asked for or not.</summary>
    Completed,

    /// <summary>The last request failed, or the checkpoint that began; the request is made again after
    /// <c>checkpoint_retry_ms</c>.</summary>
    Failed,

    /// <summary>The hypervisor lets the primary run alone: there is no secondary until a checkpoint has finished.</summary>
    SecondaryLost,
}

/// <summary>Makes no checkpoints: differences are reported, the diverged flow is released, and the rest goes on.</summary>
public sealed class NoCheckpoints : ICheckpointRequester
{
    /// <inheritdoc/>
    public bool Synchronises => false;

    /// <inheritdoc/>
    public void Request(in CheckpointReport cause, long nowNs)
    {
        // The report itself is all that this requester does, and the gate has handed it on already.
    }

    /// <inheritdoc/>
    public CheckpointEvent Poll(long nowNs) => CheckpointEvent.None;
}
