// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Rings;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Compare;

/// <summary>
/// Verified frames of the secondary that stay in their slots for a while instead of going home, so that what the primary says again
/// can be compared with what it said first. Bounded for each flow, and by a quarter of the slots for all; nothing is copied.
/// </summary>
internal sealed class KeptFrames
{
    private readonly FrameArena arena;
    private readonly SpscRing<FrameRef> home;
    private readonly int perFlow;
    private readonly int mostSmall;
    private readonly int mostLarge;
    private int small;
    private int large;

    public KeptFrames(EngineOptions options, FrameArena arena, SpscRing<FrameRef> home)
    {
        this.arena = arena;
        this.home = home;
        // What repeats a datagram is compared with the last one only.
        perFlow = Math.Max(options.RetransmitWindow, options.Duplicate == DuplicatePolicy.Pass ? 1 : 0);
        mostSmall = arena.SmallSlotsPerSide / EngineLimits.KeptSlotsDivisor / options.Shards;
        mostLarge = arena.LargeSlotsPerSide / EngineLimits.KeptSlotsDivisor / options.Shards;
    }

    /// <summary>Keeps a frame that is in no queue any more; where there is no room, the flow's oldest or else the frame itself goes
    /// home.</summary>
    public void Keep(ref Flow flow, FrameRef secondary)
    {
        if (flow.Kept.Count >= perFlow || !HasRoom(secondary))
        {
            if (flow.Kept.IsEmpty)
            {
                home.Add(secondary);
                return;
            }

            LetGo(ref flow, flow.Kept.Head);
        }

        if (!HasRoom(secondary))
        {
            home.Add(secondary);
            return;
        }

        flow.Kept.Append(arena, secondary);
        Room(secondary)++;
    }

    /// <summary>Sends all of a flow's home.</summary>
    public void Clear(ref Flow flow)
    {
        while (!flow.Kept.IsEmpty)
        {
            LetGo(ref flow, flow.Kept.Head);
        }
    }

    /// <summary>Sends those of a flow home that came before an instant.</summary>
    public void ClearBefore(ref Flow flow, long arrivalNs)
    {
        while (!flow.Kept.IsEmpty && arena[flow.Kept.Head].ArrivalNs < arrivalNs)
        {
            LetGo(ref flow, flow.Kept.Head);
        }
    }

    /// <summary>Looks for a change in what a segment of the primary says again.</summary>
    /// <param name="flow">Its flow.</param>
    /// <param name="primary">The segment.</param>
    /// <param name="start">First sequence number that was verified before.</param>
    /// <param name="end">The one after the last.</param>
    /// <param name="differing">The kept frame that says otherwise.</param>
    /// <param name="at">The sequence number of the first byte that has changed.</param>
    /// <returns>Whether something has changed; what is not kept any more is not looked at.</returns>
    public bool TryFindChange(in Flow flow, FrameRef primary, uint start, uint end, out FrameRef differing, out uint at)
    {
        for (differing = flow.Kept.Head; !differing.IsNone; differing = arena[differing].Next)
        {
            ref Frame kept = ref arena[differing];
            at = TcpSequence.Later(start, kept.StreamStart);
            uint until = TcpSequence.Earlier(end, kept.StreamEnd);
            if (!TcpSequence.Before(at, until))
            {
                continue;
            }

            int count = (int)(until - at);
            int difference = ByteEquality.FirstDifference(Stream(primary, at, count), Stream(differing, at, count));
            if (difference >= 0)
            {
                at += (uint)difference;
                return true;
            }
        }

        at = end;
        return false;
    }

    private ReadOnlySpan<byte> Stream(FrameRef frameRef, uint start, int count)
    {
        ref Frame frame = ref arena[frameRef];
        return arena.Bytes(frameRef).Slice(frame.Layout.PayloadOffset + (int)(start - frame.PayloadSequence), count);
    }

    private bool HasRoom(FrameRef frame) => perFlow != 0 && (arena.IsLarge(frame) ? large < mostLarge : small < mostSmall);

    private ref int Room(FrameRef frame) => ref arena.IsLarge(frame) ? ref large : ref small;

    private void LetGo(ref Flow flow, FrameRef kept)
    {
        flow.Kept.Remove(arena, kept);
        Room(kept)--;
        home.Add(kept);
    }
}
