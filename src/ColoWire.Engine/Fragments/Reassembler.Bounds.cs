// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine.Frames;

namespace ColoWire.Engine.Fragments;

/// <content>
/// Gives datagrams up at a timeout, at a memory limit, at a new epoch and at the stop. The record of such a datagram is kept for
/// another timeout, so that further fragments of the datagram are treated like the earlier ones.
/// </content>
internal sealed partial class Reassembler
{
    private const long NanosecondsPerMs = 1_000_000;

    private long forgivenUntilNs = long.MinValue;
    private int givingUp = PartialDatagram.None;

    /// <summary>Builds a frame from the received part of the datagram that was being given up when the duty failed.</summary>
    /// <returns>The slot of the frame; none where no datagram was being given up, or where the datagram has no slot.</returns>
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

    /// <summary>
    /// Gives up datagrams whose timeout has expired, and removes the records of datagrams that were given up one timeout ago.
    /// </summary>
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
    /// Begins an epoch after a finished checkpoint. The primary's incomplete datagrams are not compared: their received part is
    /// sent in the old epoch, and so are their further fragments. The secondary now runs the primary's state; of a datagram that
    /// it was sending during the checkpoint it sends only the remaining fragments. A timeout of the secondary's datagram is
    /// therefore no difference for one timeout after the checkpoint.
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

    /// <summary>Gives up all incomplete datagrams.</summary>
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
        // Not reset when the duty fails: the failure report then names this datagram.
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
            Represent(ref whole,
                FrameMarks.Assembled | FrameMarks.Incomplete | (isOverdue ? FrameMarks.Overdue : FrameMarks.None), nowNs);
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

    /// <summary>
    /// Whether the reason for giving up lies in the fragments themselves: the other side may have sent the same fragments.
    /// </summary>
    private static bool IsOdd(DatagramOutcome reason) =>
        reason is DatagramOutcome.TimedOut or DatagramOutcome.Overlapping or DatagramOutcome.Malformed;

    private void GiveUpWhole(FrameRef fragment, DatagramOutcome reason)
    {
        Counters.Count(reason);
        FollowGivenUp(fragment, IsOdd(reason));
    }

    /// <summary>
    /// Handles a fragment of a datagram that was given up: the fragment is compared as it is, or, if it is the primary's, passed
    /// to the shard.
    /// </summary>
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

    /// <summary>Emits one frame that represents all received fragments: their headers, as a fragment without payload.</summary>
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

    /// <summary>Ensures that a datagram has a slot with room for its payload up to an end.</summary>
    /// <returns>False when no such slot is free.</returns>
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

    /// <summary>
    /// Gives up the oldest other datagram, because the pool is empty, and takes its slot if the slot has the required size.
    /// </summary>
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
