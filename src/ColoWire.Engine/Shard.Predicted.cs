// SPDX-License-Identifier: GPL-2.0-or-later

using System.Runtime.CompilerServices;
using ColoWire.Engine.Compare;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine;

/// <content>The verbs of the shard, inlined for frames that are predicted (<see cref="Flow.IsPredicted"/>): nearly all frames of two
/// replicas in step.</content>
public sealed partial class Shard
{
    /// <summary>Takes a frame of the primary.</summary>
    /// <returns>False when there is no room for it yet, its epoch has not begun, or this poll has done enough.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TakePrimary(FrameRef primary, long nowNs)
    {
        FrameView frame = arena.View(primary);
        ref Flow flow = ref Find(frame, nowNs);
        return (IsPredicted(in flow, frame) && TryTakePredictedPrimary(ref flow, frame, nowNs)) || TakePrimaryInFull(ref flow, primary, nowNs);
    }

    /// <summary>Takes a frame of the secondary.</summary>
    /// <returns>False when its epoch has not begun, or this poll has done enough.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TakeSecondary(FrameRef secondary, long nowNs)
    {
        FrameView frame = arena.View(secondary);
        ref Flow flow = ref Find(frame, nowNs);
        return (IsPredicted(in flow, frame) && TryTakePredictedSecondary(ref flow, frame, nowNs))
            || TakeSecondaryInFull(ref flow, secondary, nowNs);
    }

    /// <summary>Finds the flow of a frame, once for all that becomes of it.</summary>
    /// <returns>The flow, or a null reference when there is none yet, or the frame belongs to none.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref Flow Find(FrameView frame, long nowNs)
    {
        if (frame.Descriptor.Layout.Kind >= FrameKind.NotCompared)
        {
            return ref Unsafe.NullRef<Flow>();
        }

        return ref flows.Find(frame, nowNs);
    }

    /// <summary>Whether there is nothing special with a frame and its flow: the frame belongs to now, and both sides are compared.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool IsPredicted(in Flow flow, FrameView frame) =>
        !Unsafe.IsNullRef(in flow) && flow.IsPredicted(prediction) && frame.Descriptor.Marks == FrameMarks.None
        && frame.Descriptor.Epoch == epoch;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryTakePredictedPrimary(ref Flow flow, FrameView primary, long nowNs)
    {
        bool isStream = primary.Descriptor.Layout.Kind == FrameKind.Tcp;
        if (flow.Primary.Count >= plainQueueSize || (isStream && !TcpStreamComparer.TryAccept(ref flow, primary)))
        {
            return false;
        }

        SendAhead(primary.Reference);
        if (isStream && flow.Primary.IsEmpty && streams.TryReleaseAck(in flow, primary))
        {
            LeaveVerified(primary);
            return true;
        }

        flow.Primary.Append(arena, primary.Reference);
        Counters.Held++;
        if (flow.Primary.Count == 1 && !MustWait(in flow, primary))
        {
            CompareHeld(ref flow, nowNs);
        }

        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryTakePredictedSecondary(ref Flow flow, FrameView secondary, long nowNs)
    {
        ref readonly FrameLayout layout = ref secondary.Descriptor.Layout;
        if (layout.Kind == FrameKind.Tcp && layout.PayloadLength == 0)
        {
            return TryTakePredictedAck(ref flow, secondary, nowNs);
        }

        if (flow.Primary.IsEmpty || !flow.Secondary.IsEmpty)
        {
            return false;
        }

        FrameView oldest = arena.View(flow.Primary.Head);
        bool matches = layout.Kind == FrameKind.Tcp
            ? streams.TryMatch(ref flow, oldest, secondary)
            : datagrams.TryMatch(oldest, secondary);
        if (matches)
        {
            ReleasePredicted(ref flow, oldest, nowNs);
        }

        return matches;
    }

    /// <summary>An acknowledgment of the secondary: the oldest held frame may have waited for it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryTakePredictedAck(ref Flow flow, FrameView secondary, long nowNs)
    {
        if (!streams.TryAcceptAck(ref flow, secondary, out bool advances))
        {
            return false;
        }

        if (!advances || flow.Primary.IsEmpty)
        {
            return true;
        }

        FrameView oldest = arena.View(flow.Primary.Head);
        if (streams.TryReleaseAck(in flow, oldest))
        {
            ReleasePredicted(ref flow, oldest, nowNs);
        }
        else if (!MustWait(in flow, oldest))
        {
            CompareHeld(ref flow, nowNs);
        }

        return true;
    }

    /// <summary>Lets the oldest held frame go, which is verified, and judges the next one unless that can do nothing but wait.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void ReleasePredicted(ref Flow flow, FrameView oldest, long nowNs)
    {
        flow.Primary.RemoveHead(arena);
        Counters.Held--;
        LeaveVerified(oldest);
        if (!flow.Primary.IsEmpty && !MustWait(in flow, arena.View(flow.Primary.Head)))
        {
            CompareHeld(ref flow, nowNs);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void LeaveVerified(FrameView primary)
    {
        Counters.Verified++;
        if ((primary.Descriptor.Marks & FrameMarks.SentAhead) != 0)
        {
            Mark(primary.Reference, FrameMarks.Compared);
        }
        else
        {
            released.Add(primary.Reference);
        }
    }

    /// <summary>Whether the oldest held frame of a predicted flow can do nothing but wait, so that nobody need judge it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool MustWait(in Flow flow, FrameView oldest) => oldest.Descriptor.Layout.Kind == FrameKind.Tcp
        ? TcpStreamComparer.MustWait(in flow, oldest)
        : datagrams.MustWait(in flow);
}
