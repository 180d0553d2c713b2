// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using ColoWire.Engine.Exits;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;

namespace ColoWire.Engine.Compare;

/// <summary>
/// Keeps verified frames of the secondary in their slots for a while, so that a retransmission of the primary can be compared
/// with the bytes that were verified first. The number of cached frames is bounded per flow (<c>retransmit_window</c>) and, for
/// all flows together, by a quarter of the slots. No bytes are copied.
/// </summary>
internal sealed class RetransmitCache
{
    private readonly FrameArena arena;
    private readonly Disposition disposition;
    private readonly int perFlow;
    private readonly int mostSmall;
    private readonly int mostLarge;
    private readonly ContentIndex? repeats;
    private readonly RetransmitIndex index;
    private readonly StepMeter steps;
    private int small;
    private int large;

    public RetransmitCache(EngineOptions options, FrameArena arena, Disposition disposition, StepMeter steps)
    {
        this.arena = arena;
        this.disposition = disposition;
        this.steps = steps;
        perFlow = Math.Max(options.RetransmitWindow, options.Duplicate == DuplicatePolicy.Pass ? 1 : 0);
        mostSmall = arena.SmallSlotsPerSide / EngineLimits.RetransmitSlotsDivisor / options.Shards;
        mostLarge = arena.LargeSlotsPerSide / EngineLimits.RetransmitSlotsDivisor / options.Shards;
        index = new RetransmitIndex(arena, steps, perFlow);
        repeats = options.Duplicate == DuplicatePolicy.Pass ? new ContentIndex(arena, options.HashKey) : null;
    }

    /// <summary>The index of cached datagrams by content; null unless <c>dup: pass</c> is set.</summary>
    public ContentIndex? Repeats => repeats;

    /// <summary>Caches a verified frame that is in no queue. When there is no room, the flow's oldest cached frame is evicted;
    /// when that makes no room either, the slot of the frame itself is returned.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Keep(ref Flow flow, FrameRef secondary)
    {
        bool isFull = flow.Cached.Count == perFlow && perFlow != 0;
        if (isFull && !flow.RetransmitIndex.Exists && !arena.IsLarge(flow.Cached.Head) && !arena.IsLarge(secondary))
        {
            // The usual case: the frame replaces the oldest one, and the number of cached frames stays the same.
            disposition.ReturnSecondary(flow.Cached.Head);
            flow.Cached.Rotate(arena, secondary);
        }
        else
        {
            KeepWhereRoomIs(ref flow, secondary);
        }
    }

    /// <summary>Caches a datagram whose <see cref="HeldDatagram.ContentHash"/> is set, and adds it to
    /// <see cref="Repeats"/>.</summary>
    public void KeepDatagram(ref Flow flow, FrameRef secondary)
    {
        KeepWhereRoomIs(ref flow, secondary);
        if (flow.Cached.Count != 0 && flow.Cached.Tail == secondary)
        {
            repeats!.Add(secondary);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void KeepWhereRoomIs(ref Flow flow, FrameRef secondary)
    {
        if (flow.Cached.Count >= perFlow || !HasRoom(secondary))
        {
            if (flow.Cached.IsEmpty)
            {
                disposition.ReturnSecondary(secondary);
                return;
            }

            Evict(ref flow, flow.Cached.Head);
        }

        if (!HasRoom(secondary))
        {
            disposition.ReturnSecondary(secondary);
            return;
        }

        flow.Cached.Append(arena, secondary);
        Room(secondary)++;
        index.Add(ref flow, secondary);
    }

    /// <summary>Finds the cached frames of a TCP flow that contain a byte of a range of sequence numbers.</summary>
    /// <returns>The frames, in no particular order; the span is valid until the next search.</returns>
    public ReadOnlySpan<FrameRef> FindMeeting(ref Flow flow, uint from, uint end) => index.FindMeeting(ref flow, from, end);

    /// <summary>Discards the index over the cached frames of a flow. Must be called before their sequence numbers change or all
    /// of them are evicted.</summary>
    public static void ForgetIndex(ref Flow flow)
    {
        if (flow.RetransmitIndex.Exists)
        {
            flow.RetransmitIndex.Root = FrameRef.None;
        }
    }

    /// <summary>Evicts all cached frames of a flow.</summary>
    public void Clear(ref Flow flow)
    {
        ForgetIndex(ref flow);
        while (!flow.Cached.IsEmpty)
        {
            Evict(ref flow, flow.Cached.Head);
        }
    }

    /// <summary>Evicts the cached frames of a flow that arrived before a time, in nanoseconds of the engine's clock.</summary>
    public void ClearBefore(ref Flow flow, long arrivalNs)
    {
        while (!flow.Cached.IsEmpty && arena[flow.Cached.Head].ArrivalNs < arrivalNs)
        {
            Evict(ref flow, flow.Cached.Head);
        }
    }

    /// <summary>Evicts the cached frames of a flow that were captured before the frame with a given number.</summary>
    public void ClearBefore(ref Flow flow, uint number)
    {
        while (!flow.Cached.IsEmpty && (int)(arena[flow.Cached.Head].Number - number) < 0)
        {
            Evict(ref flow, flow.Cached.Head);
        }
    }

    private bool HasRoom(FrameRef frame) => perFlow != 0 && (arena.IsLarge(frame) ? large < mostLarge : small < mostSmall);

    private ref int Room(FrameRef frame) => ref arena.IsLarge(frame) ? ref large : ref small;

    private void Evict(ref Flow flow, FrameRef kept)
    {
        Debug.Assert(kept == flow.Cached.Head, "cached frames are evicted oldest first");
        index.Remove(ref flow, kept);
        flow.Cached.RemoveHead(arena);
        steps.Count();
        Room(kept)--;
        repeats?.Remove(kept);
        disposition.ReturnSecondary(kept);
    }
}
