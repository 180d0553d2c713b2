// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine.Frames;
using ColoWire.Engine.Rings;

namespace ColoWire.Engine.Exits;

/// <summary>
/// The rings of one shard for the frames of clients. A frame that both replicas receive unchanged is in one slot, which both
/// inject ports send; the slot is free when both have returned it, and the clients' capture duty counts that
/// (<see cref="Frame.Awaited"/>). Each ring has room for every slot of the clients, so no ring can be full.
/// </summary>
internal sealed class InboundRings(int slots)
{
    /// <summary>Clients' capture → shard.</summary>
    public SpscRing<FrameRef> World { get; } = new(slots);

    /// <summary>Clients' capture → shard: free small slots for the translated copies of the secondary.</summary>
    public SpscRing<FrameRef> Spare { get; } = new(slots);

    /// <summary>Clients' capture → shard: free large slots for the copies of frames that no small slot holds.</summary>
    public SpscRing<FrameRef> LargeSpare { get; } = new(slots);

    /// <summary>Shard → the primary's inject duty, in order.</summary>
    public SpscRing<FrameRef> ToPrimary { get; } = new(slots);

    /// <summary>Shard → the secondary's inject duty, in order.</summary>
    public SpscRing<FrameRef> ToSecondary { get; } = new(slots);

    /// <summary>The primary's inject duty → shard: frames that the port did not take. The shard returns their slots.</summary>
    public SpscRing<FrameRef> MissedByPrimary { get; } = new(slots);

    /// <summary>The secondary's inject duty → shard: frames that the port did not take. The shard returns their slots.</summary>
    public SpscRing<FrameRef> MissedBySecondary { get; } = new(slots);

    /// <summary>Shard → clients' capture: slots of frames that the shard has not passed on, or that a port did not take. A slot
    /// is in this ring twice when neither port took its frame.</summary>
    public SpscRing<FrameRef> Home { get; } = new(2 * slots);

    /// <summary>All rings.</summary>
    public SpscRing<FrameRef>[] All =>
        [World, Spare, LargeSpare, ToPrimary, ToSecondary, MissedByPrimary, MissedBySecondary, Home];

    /// <summary>The shard of a flow: the upper bits of the hash select the shard, the lower bits the bucket, as for the guest's
    /// own frames.</summary>
    /// <param name="hash">The hash of the guest's flow.</param>
    /// <param name="shards">The number of shards.</param>
    public static int ShardOf(uint hash, int shards) => (int)((hash * (ulong)shards) >> 32);

    /// <summary>The size of the rings of one shard, in bytes.</summary>
    public static long ByteCount(int slots) =>
        (7 * SpscRing<FrameRef>.ByteCount(slots)) + SpscRing<FrameRef>.ByteCount(2 * slots);
}
