// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Runtime.CompilerServices;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Rings;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Compare;

/// <summary>
/// Compares datagrams (UDP, ICMP, any other IP) by their content: each of the primary's, in the order in which it sent them, finds an
/// equal one of the secondary's, whatever order those came in. What has no twin while others are there is in doubt: late, or
/// different.
/// </summary>
internal sealed class DatagramComparer(
    EngineOptions options, FrameArena arena, ShardCounters counters, KeptFrames kept, SpscRing<FrameRef> secondaryHome)
{
    private readonly HeaderDifferences headers = new(arena, counters, options.Strict);
    private readonly ContentIndex index = new(arena, options.HashKey);
    private readonly int reorderWindow = options.ReorderWindow;
    private readonly bool passesDuplicates = options.Duplicate == DuplicatePolicy.Pass;

    /// <summary>Whether a held datagram can do nothing but wait: nothing of the secondary's is there.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool MustWait(in Flow flow) => flow.Secondary.IsEmpty && !passesDuplicates;

    /// <summary>
    /// Compares a new datagram of the secondary with the oldest held one, as both mostly come in one order; nothing of the secondary's may
    /// wait.
    /// </summary>
    /// <returns>Whether they are the same: both belong to the caller then. Else nothing has changed.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryMatch(FrameView primary, FrameView secondary)
    {
        ref Frame ours = ref primary.Descriptor;
        if ((ours.Marks & ~FrameMarks.Announced) != FrameMarks.None || passesDuplicates || !HeaderMask.AreAlike(in ours.Layout, in secondary.Descriptor.Layout))
        {
            return false;
        }

        ulong differing = HeaderMask.Of(in primary.First, in secondary.First, ours.Layout.PayloadOffset);
        if (!ByteEquality.AreEqual(primary.Payload, secondary.Payload) || (differing != 0 && !headers.TryCount(differing, primary, secondary)))
        {
            return false;
        }

        secondaryHome.Add(secondary.Reference);
        return true;
    }

    /// <summary>Keeps a datagram of the secondary until the primary sends its twin.</summary>
    public void AcceptSecondary(ref Flow flow, FrameRef secondary)
    {
        flow.Secondary.Append(arena, secondary);
        counters.SecondaryHeld++;
        if (flow.Unindexed.IsNone)
        {
            flow.Unindexed = secondary;
        }
    }

    /// <summary>Says what may happen to the oldest held primary frame; its twin goes home.</summary>
    public Verdict Judge(ref Flow flow, FrameRef primary)
    {
        FrameRef first = flow.Secondary.Head;
        int difference = first.IsNone ? 0 : FirstDifference(primary, first);
        FrameRef twin = difference < 0 ? first : Find(ref flow, primary);
        if (!twin.IsNone)
        {
            NoteOvertaken(twin);
            return Match(ref flow, primary, twin);
        }

        if (passesDuplicates && IsRepeated(in flow, primary))
        {
            return Verdict.Pass;
        }

        if (first.IsNone)
        {
            return Verdict.Hold(DivergenceReason.Timeout);
        }

        VerdictKind kind = flow.Secondary.Count > reorderWindow ? VerdictKind.Divergence : VerdictKind.Doubt;
        return new Verdict(kind, DivergenceReason.Payload, difference, first, difference);
    }

    /// <summary>Says what becomes of the oldest held primary frame when the grace of its doubt is over.</summary>
    public Verdict Settle(ref Flow flow, FrameRef primary, in Verdict doubt)
    {
        bool dropped = false;
        while (!flow.Secondary.IsEmpty && TryDropRepeated(ref flow, flow.Secondary.Head))
        {
            dropped = true;
        }

        Verdict verdict = dropped ? Judge(ref flow, primary) : doubt;
        return verdict.Kind == VerdictKind.Doubt ? verdict with { Kind = VerdictKind.Divergence } : verdict;
    }

    /// <summary>Sends a datagram home that the secondary repeats and the primary does not, where <c>dup</c> says that this is nothing.</summary>
    /// <returns>False when it is something else.</returns>
    public bool TryDropRepeated(ref Flow flow, FrameRef secondary)
    {
        bool isNothing = passesDuplicates && IsRepeated(in flow, secondary);
        if (isNothing)
        {
            counters.SecondaryRepeated++;
            Remove(ref flow, secondary);
            secondaryHome.Add(secondary);
        }

        return isNothing;
    }

    /// <summary>Whether the secondary's oldest datagram was overtaken by one that found its twin.</summary>
    public bool IsOvertaken(in Flow flow) =>
        !flow.Secondary.IsEmpty && (arena[flow.Secondary.Head].Marks & FrameMarks.Overtaken) != 0;

    /// <summary>Takes a datagram of the secondary out of its flow; it belongs to the caller then.</summary>
    public void Remove(ref Flow flow, FrameRef secondary)
    {
        if (flow.Unindexed == secondary)
        {
            flow.Unindexed = arena[secondary].Next;
        }

        index.Remove(secondary);
        flow.Secondary.Remove(arena, secondary);
        counters.SecondaryHeld--;
    }

    private Verdict Match(ref Flow flow, FrameRef primary, FrameRef twin)
    {
        Verdict verdict = headers.Count(primary, twin) is { } strict ? Verdict.StrictField(strict, twin) : Verdict.Release;
        if (verdict.Kind == VerdictKind.Release)
        {
            Remove(ref flow, twin);
            if (passesDuplicates)
            {
                kept.Keep(ref flow, twin);
            }
            else
            {
                secondaryHome.Add(twin);
            }
        }

        return verdict;
    }

    private FrameRef Find(ref Flow flow, FrameRef primary)
    {
        if (flow.Secondary.Count <= 1)
        {
            // The only one there is the one that was looked at.
            return FrameRef.None;
        }

        for (FrameRef at = flow.Unindexed; !at.IsNone; at = arena[at].Next)
        {
            arena[at].ContentHash = Hash(at);
            index.Add(at);
        }

        flow.Unindexed = FrameRef.None;
        ref Frame frame = ref arena[primary];
        if ((frame.Marks & FrameMarks.Hashed) == 0)
        {
            frame.ContentHash = Hash(primary);
            frame.Marks |= FrameMarks.Hashed;
        }

        FrameRef found = index.First(frame.ContentHash);
        while (!found.IsNone && !IsTwin(primary, found))
        {
            found = arena[found].NextInBucket;
        }

        return found;
    }

    /// <summary>A bucket holds frames of any flow; two flows with one hash hold different addresses or ports.</summary>
    private bool IsTwin(FrameRef primary, FrameRef secondary)
    {
        ref Frame left = ref arena[primary];
        ref Frame right = ref arena[secondary];
        return left.ContentHash == right.ContentHash && left.FlowHash == right.FlowHash && IsSameFlow(primary, secondary)
            && FirstDifference(primary, secondary) < 0;
    }

    private bool IsSameFlow(FrameRef primary, FrameRef secondary)
    {
        FrameParser.ReadKey(arena.Bytes(primary), in arena[primary].Layout, out FlowKey left);
        FrameParser.ReadKey(arena.Bytes(secondary), in arena[secondary].Layout, out FlowKey right);
        return left.Equals(right);
    }

    /// <summary>All that came before the twin have been overtaken; they stand at the head, so that each is marked once.</summary>
    private void NoteOvertaken(FrameRef twin)
    {
        for (FrameRef at = arena[twin].Previous; !at.IsNone && (arena[at].Marks & FrameMarks.Overtaken) == 0; at = arena[at].Previous)
        {
            arena[at].Marks |= FrameMarks.Overtaken;
        }
    }

    private bool IsRepeated(in Flow flow, FrameRef frame)
    {
        FrameRef said = flow.Kept.Head;
        while (!said.IsNone && FirstDifference(frame, said) >= 0)
        {
            said = arena[said].Next;
        }

        return !said.IsNone;
    }

    private int FirstDifference(FrameRef primary, FrameRef secondary)
    {
        ReadOnlySpan<byte> left = arena.Payload(primary);
        ReadOnlySpan<byte> right = arena.Payload(secondary);
        ref FrameLayout layout = ref arena[primary].Layout;
        if (layout.Kind is not (FrameKind.Icmp or FrameKind.IcmpV6))
        {
            return ByteEquality.FirstDifference(left, right);
        }

        return ComparedParts.FirstDifference(
            left, ComparedParts.Of(in layout, left), right, ComparedParts.Of(in arena[secondary].Layout, right));
    }

    private uint Hash(FrameRef frame)
    {
        ReadOnlySpan<byte> payload = arena.Payload(frame);
        return index.Hash(arena[frame].FlowHash, payload, ComparedParts.Of(in arena[frame].Layout, payload));
    }
}
