// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using ColoWire.Engine.Exits;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;

namespace ColoWire.Engine.Compare;

/// <summary>
/// Verified frames of the secondary that stay in their slots for a while instead of going home, so that what the primary says again
/// can be compared with what it said first. Bounded for each flow, and by a quarter of the slots for all; nothing is copied.
/// </summary>
internal sealed class RetransmitCache
{
    private readonly FrameArena arena;
    private readonly Disposition disposition;
    private readonly int perFlow;
    private readonly int mostSmall;
    private readonly int mostLarge;
    private readonly ContentIndex? said;
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
        said = options.Duplicate == DuplicatePolicy.Pass ? new ContentIndex(arena, options.HashKey) : null;
    }

    /// <summary>Datagrams that are kept, by their content; null when none are.</summary>
    public ContentIndex? Said => said;

    /// <summary>Keeps a frame that is in no queue any more; where there is no room, the flow's oldest or else the frame itself goes
    /// home.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Keep(ref Flow flow, FrameRef secondary)
    {
        bool isFull = flow.Cached.Count == perFlow && perFlow != 0;
        if (isFull && !flow.RetransmitIndex.Exists && !arena.IsLarge(flow.Cached.Head) && !arena.IsLarge(secondary))
        {
            // The rule: it takes the place of the oldest one.
            disposition.ReturnSecondary(flow.Cached.Head);
            flow.Cached.RemoveHead(arena);
            flow.Cached.Append(arena, secondary);
        }
        else
        {
            KeepWhereRoomIs(ref flow, secondary);
        }
    }

    /// <summary>Keeps a datagram, whose <see cref="HeldDatagram.ContentHash"/> is set, so that <see cref="Said"/> finds it.</summary>
    public void KeepDatagram(ref Flow flow, FrameRef secondary)
    {
        KeepWhereRoomIs(ref flow, secondary);
        if (flow.Cached.Count != 0 && flow.Cached.Tail == secondary)
        {
            said!.Add(secondary);
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

            LetGo(ref flow, flow.Cached.Head);
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

    /// <summary>Finds the kept frames of a stream that hold a byte of a range.</summary>
    /// <returns>The frames, in no order; the span is valid until the next search.</returns>
    public ReadOnlySpan<FrameRef> FindMeeting(ref Flow flow, uint from, uint end) => index.FindMeeting(ref flow, from, end);

    /// <summary>Gives up the index over the kept frames of a flow, before their sequence numbers change or all of them go
    /// home.</summary>
    public static void ForgetIndex(ref Flow flow)
    {
        if (flow.RetransmitIndex.Exists)
        {
            flow.RetransmitIndex.Root = FrameRef.None;
        }
    }

    /// <summary>Sends all of a flow's home.</summary>
    public void Clear(ref Flow flow)
    {
        ForgetIndex(ref flow);
        while (!flow.Cached.IsEmpty)
        {
            LetGo(ref flow, flow.Cached.Head);
        }
    }

    /// <summary>Sends those of a flow home that came before an instant.</summary>
    public void ClearBefore(ref Flow flow, long arrivalNs)
    {
        while (!flow.Cached.IsEmpty && arena[flow.Cached.Head].ArrivalNs < arrivalNs)
        {
            LetGo(ref flow, flow.Cached.Head);
        }
    }

    /// <summary>Sends those of a flow home that were captured before the frame of a number.</summary>
    public void ClearBefore(ref Flow flow, uint number)
    {
        while (!flow.Cached.IsEmpty && (int)(arena[flow.Cached.Head].Number - number) < 0)
        {
            LetGo(ref flow, flow.Cached.Head);
        }
    }

    private bool HasRoom(FrameRef frame) => perFlow != 0 && (arena.IsLarge(frame) ? large < mostLarge : small < mostSmall);

    private ref int Room(FrameRef frame) => ref arena.IsLarge(frame) ? ref large : ref small;

    private void LetGo(ref Flow flow, FrameRef kept)
    {
        Debug.Assert(kept == flow.Cached.Head, "the oldest one goes first");
        index.Remove(ref flow, kept);
        flow.Cached.RemoveHead(arena);
        steps.Count();
        Room(kept)--;
        said?.Remove(kept);
        disposition.ReturnSecondary(kept);
    }
}
