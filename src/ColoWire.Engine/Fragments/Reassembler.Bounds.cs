// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine.Frames;

namespace ColoWire.Engine.Fragments;

/// <content>
/// What happens when something runs out: time, memory, an epoch, or the run itself. A datagram that is given up keeps its record for
/// as long again as its fragments were waited for, so that those that still come go the way of the others.
/// </content>
internal sealed partial class Reassembler
{
    private const long NanosecondsPerMs = 1_000_000;

    private long forgivenUntilNs = long.MinValue;
    private int givingUp = PartialDatagram.None;

    /// <summary>Makes a frame of what there is of the datagram that was being given up, after a failure.</summary>
    /// <returns>Its slot; none between two datagrams, and where it has none.</returns>
    public FrameRef ShowGivingUp()
    {
        FrameRef assembly = givingUp == PartialDatagram.None ? FrameRef.None : datagrams[givingUp].Assembly;
        if (!assembly.IsNone)
        {
            ref Frame frame = ref arena[assembly];
            int headerBytes = Math.Min((int)frame.Layout.PayloadOffset, EngineLimits.FragmentHeadroomBytes);
            frame.Offset = (ushort)(new AssemblySlot(arena, assembly).PayloadOffset - headerBytes);
            frame.Length = headerBytes + datagrams[givingUp].EndBytes;
        }

        return assembly;
    }

    /// <summary>Gives up what has waited for its fragments for too long, and forgets what was given up long ago.</summary>
    public void Expire(long nowNs)
    {
        while (IsExpired(datagrams.OldestAssembling, patienceNs, nowNs))
        {
            GiveUp(datagrams.OldestAssembling, DatagramOutcome.TimedOut, nowNs);
        }

        while (IsExpired(datagrams.OldestGivenUp, timeoutNs, nowNs))
        {
            datagrams.Remove(datagrams.OldestGivenUp);
        }
    }

    /// <summary>
    /// A checkpoint has finished. What the primary began before it is not compared: what there is of it goes on in its old epoch, and so
    /// does the rest when it comes. The secondary is another machine now; of a datagram in whose middle the checkpoint fell it sends
    /// the second half only, so that for a while a missing fragment says nothing.
    /// </summary>
    public void BeginEpoch(long nowNs, CompareMode mode)
    {
        GiveUpAll(DatagramOutcome.Checkpoint, nowNs);
        observe = mode == CompareMode.Observe;
        if (!isPrimary)
        {
            forgivenUntilNs = nowNs + timeoutNs;
            while (datagrams.OldestGivenUp != PartialDatagram.None)
            {
                datagrams.Remove(datagrams.OldestGivenUp);
            }
        }
    }

    /// <summary>Gives up all that is incomplete.</summary>
    public void GiveUpAll(DatagramOutcome reason, long nowNs)
    {
        while (datagrams.OldestAssembling != PartialDatagram.None)
        {
            GiveUp(datagrams.OldestAssembling, reason, nowNs);
        }
    }

    private bool IsExpired(int datagram, long allowedNs, long nowNs) =>
        datagram != PartialDatagram.None && nowNs - datagrams[datagram].SinceNs >= allowedNs;

    private void GiveUp(int datagram, DatagramOutcome reason, long nowNs)
    {
        // A failure leaves it as it is: it says which datagram did it.
        givingUp = datagram;
        ref PartialDatagram whole = ref datagrams[datagram];
        Counters.Count(reason);
        if (whole.Fragments == 0)
        {
            Discard(ref whole);
        }
        else if (IsOdd(reason) && (isPrimary || reason != DatagramOutcome.TimedOut || whole.SinceNs >= forgivenUntilNs))
        {
            bool isOverdue = !isPrimary && reason == DatagramOutcome.TimedOut;
            new AssemblySlot(arena, whole.Assembly).ClearHoles(whole.EndBytes);
            Represent(ref whole, FrameMarks.Assembled | FrameMarks.Incomplete | (isOverdue ? FrameMarks.Overdue : FrameMarks.None), nowNs);
        }
        else if (whole.KeepsOriginals)
        {
            HandOnOriginals(ref whole);
            Discard(ref whole);
        }
        else if (isPrimary)
        {
            Represent(ref whole, FrameMarks.Assembled, whole.SinceNs);
        }
        else
        {
            CountDrops(DropReasonOf(reason), whole.Fragments);
            Discard(ref whole);
        }

        whole.IsOdd = IsOdd(reason);
        datagrams.GiveUp(datagram, nowNs);
        givingUp = PartialDatagram.None;
    }

    /// <summary>Whether a datagram is given up for what its fragments are: the other side may have sent the same.</summary>
    private static bool IsOdd(DatagramOutcome reason) =>
        reason is DatagramOutcome.TimedOut or DatagramOutcome.Overlapping or DatagramOutcome.Malformed;

    private void GiveUpWhole(FrameRef fragment, DatagramOutcome reason)
    {
        Counters.Count(reason);
        FollowGivenUp(fragment, IsOdd(reason));
    }

    /// <summary>A fragment of a datagram that cannot be put together: it is compared as it is, or the primary's leaves as the shard
    /// decides.</summary>
    private void FollowGivenUp(FrameRef fragment, bool isOdd)
    {
        if (isOdd)
        {
            arena[fragment].Marks |= FrameMarks.Incomplete;
        }

        if (isPrimary || isOdd)
        {
            output.Append(arena, fragment);
        }
        else
        {
            CountDrops(DropReason.SecondaryFragment, 1);
            pool.Return(fragment);
        }
    }

    private void HandOnOriginals(ref PartialDatagram whole)
    {
        while (!whole.Originals.IsEmpty)
        {
            FrameRef original = whole.Originals.Head;
            whole.Originals.Remove(arena, original);
            use.Remove(original);
            output.Append(arena, original);
        }
    }

    /// <summary>One frame stands for all fragments: their headers, as a fragment without payload.</summary>
    private void Represent(ref PartialDatagram whole, FrameMarks marks, long arrivalNs)
    {
        ref Frame frame = ref arena[whole.Assembly];
        frame.Layout.PayloadLength = 0;
        Emit(ref whole, frame.Layout.PayloadOffset, 0, arrivalNs);
        frame.Marks = marks;
        whole.Assembly = FrameRef.None;
        whole.Originals = FrameQueue.Empty;
        whole.Fragments = 0;
    }

    private void Discard(ref PartialDatagram whole)
    {
        if (!whole.Assembly.IsNone)
        {
            use.Remove(whole.Assembly);
            pool.Return(whole.Assembly);
            whole.Assembly = FrameRef.None;
        }

        Counters.Waiting -= whole.Fragments;
        whole.Fragments = 0;
    }

    private void CountDrops(DropReason reason, int frames)
    {
        if (!isPrimary)
        {
            Counters.Count(reason, frames);
        }
    }

    private static DropReason DropReasonOf(DatagramOutcome reason) => reason switch
    {
        DatagramOutcome.Checkpoint => DropReason.SecondaryStale,
        DatagramOutcome.Stop => DropReason.SecondaryUnmatched,
        _ => DropReason.SecondaryFragment,
    };

    /// <summary>Sees to it that a datagram has a slot in which its payload has room up to here.</summary>
    /// <returns>False when there is no such slot.</returns>
    private bool HasRoom(int datagram, ref PartialDatagram whole, int end, long nowNs)
    {
        bool isLarge = end > AssemblySlot.SmallPayloadBytes;
        if (!whole.Assembly.IsNone && (!isLarge || arena.IsLarge(whole.Assembly)))
        {
            return true;
        }

        int slotBytes = isLarge ? EngineLimits.LargeSlotBytes : EngineLimits.SmallSlotBytes;
        if (!pool.TryTake(slotBytes, out FrameRef assembly) && !TryTakeFromOldest(datagram, slotBytes, nowNs, out assembly))
        {
            return false;
        }

        AssemblySlot slot = new(arena, assembly);
        slot.Clear();
        if (!whole.Assembly.IsNone)
        {
            ref Frame smaller = ref arena[whole.Assembly];
            slot.TakeOver(new AssemblySlot(arena, whole.Assembly), smaller.Layout.PayloadOffset, whole.EndBytes);
            arena[assembly].Layout = smaller.Layout;
            arena[assembly].Number = smaller.Number;
            use.Remove(whole.Assembly);
            pool.Return(whole.Assembly);
        }

        whole.Assembly = assembly;
        use.Add(assembly);
        return true;
    }

    /// <summary>The pool is empty: the oldest other datagram gives its slot, if it has one of that size.</summary>
    private bool TryTakeFromOldest(int datagram, int slotBytes, long nowNs, out FrameRef assembly)
    {
        assembly = FrameRef.None;
        int oldest = datagrams.OldestAssembling;
        if (oldest == PartialDatagram.None || oldest == datagram)
        {
            return false;
        }

        GiveUp(oldest, DatagramOutcome.OverBudget, nowNs);
        return pool.TryTake(slotBytes, out assembly);
    }

    private void KeepBudget(long nowNs)
    {
        while (use.IsOverBudget)
        {
            GiveUp(datagrams.OldestAssembling, DatagramOutcome.OverBudget, nowNs);
        }
    }

    private void MakeRoomForDatagram(long nowNs)
    {
        if (!datagrams.IsFull)
        {
            return;
        }

        if (datagrams.OldestGivenUp == PartialDatagram.None)
        {
            GiveUp(datagrams.OldestAssembling, DatagramOutcome.OverBudget, nowNs);
        }

        datagrams.Remove(datagrams.OldestGivenUp);
    }
}
