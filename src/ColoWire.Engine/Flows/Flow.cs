// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine.Compare;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Flows;

/// <summary>A connection as a guest sends it, with what both sides have said and not yet agreed on.</summary>
internal struct Flow
{
    /// <summary>The number that stands for "no flow".</summary>
    public const uint None = uint.MaxValue;

    public FlowKey Key;
    public uint Hash;

    /// <summary>Links of the <see cref="FlowTable"/>: next in the bucket (or free list), and the order of idleness.</summary>
    public uint NextInBucket;
    public uint Newer;
    public uint Older;

    /// <summary>When its place in the order of idleness was last refreshed.</summary>
    public long SeenNs;

    /// <summary>The primary's frames that wait, in the order in which it sent them.</summary>
    public FrameQueue Primary;

    /// <summary>The secondary's frames that wait: a stream's by sequence number, datagrams in the order in which it sent them.</summary>
    public FrameQueue Secondary;

    /// <summary>Frames of the secondary that were verified and are kept for a while (<see cref="KeptFrames"/>).</summary>
    public FrameQueue Kept;

    public FlowState State;
    public PolicyAction Action;
    public PassReason PassReason;
    public bool InUse;

    /// <summary>Datagrams: the oldest of the secondary's that the <see cref="ContentIndex"/> does not have yet.</summary>
    public FrameRef Unindexed;

    public FlowDoubt Doubt;
    public TcpState Tcp;

    /// <summary>Whether its frames are TCP segments.</summary>
    public readonly bool IsStream => Key.Protocol == Protocol.Tcp && !Key.IsFragment;

    /// <summary>Whether nothing waits in it, so that it can be forgotten without a loss.</summary>
    public readonly bool IsIdle => Primary.IsEmpty && Secondary.IsEmpty && !Tcp.IsControlPending;
}

internal enum FlowState : byte
{
    /// <summary>Both sides are compared.</summary>
    Comparing,

    /// <summary>They differ: the primary's frames are held until a checkpoint, the secondary's are of no use.</summary>
    Diverged,

    /// <summary>They differ and no checkpoint will come: the primary's frames leave unverified.</summary>
    Passing,
}
