// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Runtime.CompilerServices;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Compare;

/// <content>
/// Connections that were open before their first segment was captured. The bytes that a replica sent before then were not
/// captured, so that a retransmission of them by one side only has no twin. The two streams are aligned at the first sequence
/// number that was captured of both.
/// </content>
internal sealed partial class TcpStreamComparer
{
    /// <summary>Decides what happens to the oldest held frame of the primary, which is suspect, when its grace has
    /// expired.</summary>
    public Verdict ResolveAfterGrace(ref Flow flow, FrameRef primary, in Verdict suspect, long nowNs)
    {
        Verdict verdict = ResolveInFull(ref flow, primary, in suspect, nowNs);
        flow.RenewPrediction();
        return verdict;
    }

    private Verdict ResolveInFull(ref Flow flow, FrameRef primary, in Verdict suspect, long nowNs)
    {
        if (suspect.Reason == DivergenceReason.Retransmit)
        {
            return ResolveChange(ref flow, primary, in suspect, nowNs);
        }

        if (suspect.Reason == DivergenceReason.Control)
        {
            return suspect with { Kind = VerdictKind.Divergence };
        }

        ref TcpState tcp = ref flow.Tcp;
        uint unseen = tcp.SecondaryFirst - arena[primary].Segment.StreamStart;
        bool meets = unseen < EngineLimits.MaxWindowBytes && !TcpSequence.After(tcp.SecondaryFirst, tcp.PrimaryNext);
        if (!meets || HasSamePayloadElsewhere(in flow, primary))
        {
            return Apart(in flow, in suspect);
        }

        uint from = arena[primary].Segment.StreamStart;
        tcp.Verified.Add(from, tcp.SecondaryFirst);
        for (FrameRef at = primary; !at.IsNone; at = arena[at].Next)
        {
            steps.Count();
            if (TcpSequence.Holds(from, tcp.SecondaryFirst, arena[at].Segment.StreamStart))
            {
                arena[at].Marks |= FrameMarks.Assumed;
            }
        }

        Verdict verdict = Compare(ref flow, primary);
        // The verified ranges may be too far apart to be remembered together, so that the frame is still suspect.
        return verdict.Kind == VerdictKind.Suspect ? Apart(in flow, in suspect) : verdict;
    }

    /// <summary>Returns the slot of a segment of the secondary whose unverified bytes all precede the first captured byte of the
    /// primary.</summary>
    /// <returns>False when the segment contains other unverified bytes; nothing has changed then.</returns>
    public bool TryDropUnseen(ref Flow flow, FrameRef secondary)
    {
        ref Frame frame = ref arena[secondary];
        ref TcpState tcp = ref flow.Tcp;
        bool isUnseen = tcp.Has(TcpFlags.PrimarySeen) && !tcp.Has(TcpFlags.PrimarySyn | TcpFlags.BeginningLeft)
            && TcpSequence.Before(frame.Segment.StreamStart, tcp.PrimaryFirst);
        if (!isUnseen)
        {
            return false;
        }

        bool isAllUnseen = !TcpSequence.After(frame.Segment.StreamEnd, tcp.PrimaryFirst)
            || tcp.Verified.Covers(tcp.PrimaryFirst, frame.Segment.StreamEnd);
        if (isAllUnseen)
        {
            segments.Take(ref flow, secondary);
            disposition.ReturnRepeated(secondary);
        }

        return isAllUnseen;
    }

    private static Verdict Apart(in Flow flow, in Verdict suspect) =>
        suspect with { Kind = VerdictKind.Divergence, Secondary = flow.Secondary.Head };

    /// <summary>Records the position of a segment among all bytes that the primary has sent.</summary>
    /// <returns>False when the segment seems to belong to another connection. Such a segment must not move
    /// <see cref="TcpState.PrimaryNext"/>, because a checkpoint marks all bytes before that number as verified
    /// (<see cref="Synchronise"/>).</returns>
    private static bool TryNotePrimary(ref TcpState tcp, TcpSegment segment)
    {
        bool isFar = tcp.Has(TcpFlags.PrimarySeen)
            && TcpSequence.Distance(segment.Sequence, tcp.PrimaryNext) > EngineLimits.StrayBytes;
        if (isFar && !tcp.Has(TcpFlags.PrimaryFar))
        {
            tcp.Set(TcpFlags.PrimaryFar);
            return false;
        }

        tcp.Clear(TcpFlags.PrimaryFar);
        if (isFar || !tcp.Has(TcpFlags.PrimarySeen))
        {
            tcp.PrimaryFirst = segment.Sequence;
            tcp.PrimaryNext = segment.Next;
            tcp.Clear(TcpFlags.PrimaryAcked);
        }

        uint next = TcpSequence.Later(tcp.PrimaryNext, segment.Next);
        LeaveBeginning(ref tcp, tcp.PrimaryNext, next);
        tcp.PrimaryFirst = EarlierInWindow(tcp.PrimaryFirst, segment.Sequence);
        tcp.PrimaryNext = next;
        return true;
    }

    /// <summary>Whether a segment of the secondary seems to belong to another connection than the primary's segments.</summary>
    private static bool IsStray(ref TcpState tcp, TcpSegment secondary)
    {
        bool isKnown = tcp.Has(TcpFlags.PrimarySeen) && !tcp.Has(TcpFlags.SynPending) && !secondary.Resets;
        bool isFar = isKnown && (tcp.Has(TcpFlags.ShiftOpen)
            ? IsFarFromBothSyns(in tcp, secondary.Sequence)
            : IsFar(in tcp, secondary.Sequence + tcp.Shift));
        bool isStray = isFar && !tcp.Has(TcpFlags.SecondaryFar);
        tcp.Clear(TcpFlags.SecondaryFar);
        tcp.Set(isStray ? TcpFlags.SecondaryFar : TcpFlags.None);
        return isStray;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsFar(in TcpState tcp, uint sequence) =>
        TcpSequence.Distance(sequence, tcp.PrimaryNext) > EngineLimits.StrayBytes;

    /// <summary>Records where a segment of the secondary begins.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void NoteSecondary(ref TcpState tcp, uint sequence)
    {
        if (!tcp.Has(TcpFlags.SecondarySeen))
        {
            tcp.SecondaryFirst = sequence;
            tcp.Set(TcpFlags.SecondarySeen);
        }

        tcp.SecondaryFirst = EarlierInWindow(tcp.SecondaryFirst, sequence);
    }

    /// <summary>
    /// Sets <see cref="TcpFlags.BeginningLeft"/> once the primary has advanced by more than any window from the first captured
    /// sequence number of a side; what is verified never lies behind the primary's last segment. No byte before that number is
    /// sent again. The number must not be compared with others any longer, because serial arithmetic (RFC 1982) inverts the order
    /// of two numbers that are more than 2^31 apart.
    /// </summary>
    /// <param name="tcp">The state of the flow.</param>
    /// <param name="next">Where the primary's stream ended.</param>
    /// <param name="newNext">Where it ends with its new segment. The distances are tested only where these two numbers differ in
    /// their upper bits, because the test reads a cache line of the flow that no other step of most segments reads.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void LeaveBeginning(ref TcpState tcp, uint next, uint newNext)
    {
        if ((next ^ newNext) >= EngineLimits.BeginningTestBytes)
        {
            LeaveBeginningWhereFar(ref tcp, newNext);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void LeaveBeginningWhereFar(ref TcpState tcp, uint position)
    {
        bool isFar = position - tcp.PrimaryFirst > EngineLimits.MaxWindowBytes
            || (tcp.Has(TcpFlags.InStep) && position - tcp.SecondaryFirst > EngineLimits.MaxWindowBytes);
        if (isFar)
        {
            tcp.Set(TcpFlags.BeginningLeft);
        }
    }

    /// <summary>The earlier of two sequence numbers; a second number that is farther back than any window is ignored.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint EarlierInWindow(uint first, uint sequence) =>
        first - sequence < EngineLimits.MaxWindowBytes ? sequence : first;

    private static bool IsBeforeFirst(in TcpState tcp, uint position) =>
        tcp.Has(TcpFlags.SecondarySeen) && !tcp.Has(TcpFlags.SecondarySyn | TcpFlags.BeginningLeft)
        && TcpSequence.Before(position, tcp.SecondaryFirst);

    /// <summary>Whether both sides begin with the same payload at different sequence numbers. That is no retransmission: the
    /// streams themselves are apart.</summary>
    private bool HasSamePayloadElsewhere(in Flow flow, FrameRef primary)
    {
        FrameRef secondary = flow.Secondary.Head;
        return !secondary.IsNone && flow.Tcp.Verified.IsEmpty
            && arena[primary].Segment.PayloadSequence != arena[secondary].Segment.PayloadSequence
            && arena.Payload(primary).SequenceEqual(arena.Payload(secondary));
    }
}
