// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine.Compare;
using ColoWire.Engine.Frames;

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

    public FrameQueue Primary;
    public FrameQueue Secondary;
    public FlowState State;
    public bool InUse;
    public TcpState Tcp;

    public readonly bool IsIdle => Primary.IsEmpty && Secondary.IsEmpty;
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
