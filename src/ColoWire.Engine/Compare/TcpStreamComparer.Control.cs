// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Compare;

/// <content>SYN, FIN and RST, the initial sequence numbers of the two sides, and checkpoints.</content>
internal sealed partial class TcpStreamComparer
{
    /// <summary>Discards the state of both streams: frames were released without comparison, and the flow may be another
    /// connection by now. The caller drops the secondary's held segments.</summary>
    /// <param name="flow">The flow.</param>
    /// <param name="keepsNumbers">Whether the flow is the same connection as before, with the same
    /// <see cref="TcpState.Shift"/>.</param>
    public static void Forget(ref Flow flow, bool keepsNumbers)
    {
        TcpState before = flow.Tcp;
        flow.Tcp = TcpState.Fresh;
        if (keepsNumbers)
        {
            flow.Tcp.Shift = before.Shift;
            flow.Tcp.PrimaryIsn = before.PrimaryIsn;
            flow.Tcp.Set(before.Flags & (TcpFlags.ShiftDoubtful | TcpFlags.ClientGap));
            // While the connection opens, the shift is not known yet.
            flow.Tcp.Set(before.IsOpening ? TcpFlags.PrimarySyn : TcpFlags.None);
        }

        flow.RenewPrediction();
    }

    /// <summary>Records everything that the primary has sent as sent by the secondary too, because a checkpoint has made the
    /// secondary a copy of the primary. The caller drops the secondary's held segments.</summary>
    /// <param name="flow">The flow.</param>
    /// <param name="keepsNumbers">Whether the checkpoint is still to come, because the secondary is lost until then: the
    /// translation stays the same.</param>
    public static void Synchronise(ref Flow flow, bool keepsNumbers)
    {
        TcpState before = flow.Tcp;
        flow.Tcp = TcpState.Fresh;
        ref TcpState tcp = ref flow.Tcp;
        tcp.PrimaryFirst = before.PrimaryFirst;
        tcp.PrimaryNext = before.PrimaryNext;
        tcp.PrimaryIsn = before.PrimaryIsn;
        tcp.PrimaryAck = before.PrimaryAck;
        tcp.Flags = before.Flags
            & (TcpFlags.PrimarySeen | TcpFlags.PrimaryAcked | TcpFlags.PrimarySyn | TcpFlags.PrimaryRst | TcpFlags.BeginningLeft);
        if (tcp.Has(TcpFlags.PrimaryRst))
        {
            tcp.Set(TcpFlags.RstMatched);
        }

        if (tcp.Has(TcpFlags.PrimarySyn))
        {
            tcp.SecondaryIsn = before.PrimaryIsn;
            tcp.Set(TcpFlags.SecondarySyn | TcpFlags.SynMatched);
        }

        if (tcp.Has(TcpFlags.PrimarySeen))
        {
            tcp.Verified.Reset(before.PrimaryNext - EngineLimits.VerifiedBytes, before.PrimaryNext);
            NoteSecondary(ref tcp, before.PrimaryNext);
        }

        if (tcp.Has(TcpFlags.PrimaryAcked))
        {
            tcp.SecondaryAck = before.PrimaryAck;
            tcp.Set(TcpFlags.SecondaryAcked);
        }

        if (keepsNumbers)
        {
            tcp.Shift = before.Shift;
            tcp.SecondaryIsn = before.PrimaryIsn - before.Shift;
            tcp.Set(before.Flags & (TcpFlags.ShiftDoubtful | TcpFlags.ClientGap));
            if (before.IsOpening)
            {
                // While the connection opens, the shift is not known yet.
                tcp.Clear(TcpFlags.SecondarySyn | TcpFlags.SynMatched);
                tcp.Set(TcpFlags.PrimarySyn);
            }
        }

        flow.RenewPrediction();
    }

    /// <summary>Records a segment that the primary sent before a checkpoint, and that arrives after it, as sent by the secondary
    /// too.</summary>
    private void Share(ref Flow flow, TcpSegment segment)
    {
        ref TcpState tcp = ref flow.Tcp;
        if (segment.Opens)
        {
            ShareSyn(ref flow, segment.Sequence);
        }

        if (tcp.Has(TcpFlags.SynPending))
        {
            // Since the checkpoint the secondary has opened another connection. What the primary acknowledged, closed or reset in
            // the connection before does not concern the new one.
            return;
        }

        if (segment.Resets)
        {
            tcp.Set(TcpFlags.RstMatched);
        }
        else
        {
            // The primary had sent all bytes before this segment's end by then, too, even if frames with some of them were lost
            // before the capture.
            tcp.Verified.Add(segment.Next - EngineLimits.VerifiedBytes, segment.Next);
        }

        if (segment.Has(Tcp.Ack))
        {
            TryRaise(ref tcp, ref tcp.SecondaryAck, TcpFlags.SecondaryAcked, segment.Ack);
        }
    }

    private void ShareSyn(ref Flow flow, uint sequence)
    {
        ref TcpState tcp = ref flow.Tcp;
        bool isKnown = tcp.Has(TcpFlags.SynMatched) && tcp.SecondaryIsn == sequence;
        if (isKnown)
        {
            return;
        }

        if (tcp.Has(TcpFlags.SynPending))
        {
            // The secondary has sent the same SYN since. Or it has sent a later one, whose twin the primary has yet to send.
            if (tcp.SecondaryIsn == sequence)
            {
                BeginConnection(ref flow, sequence);
            }

            return;
        }

        // The verified ranges belong to an older connection, whose sequence numbers may occur again in this one.
        tcp.Verified.Reset(sequence, sequence + 1);
        tcp.SecondaryIsn = sequence;
        tcp.Clear(
            TcpFlags.SecondaryAcked | TcpFlags.SecondaryFin | TcpFlags.FinPending | TcpFlags.FinMatched | TcpFlags.RstPending
            | TcpFlags.RstMatched | TcpFlags.InStep);
        tcp.Set(TcpFlags.SecondarySyn | TcpFlags.SynMatched);
    }

    /// <summary>Whether a segment of the secondary that arrives after its new SYN belongs to the connection before, and was
    /// overtaken by that SYN.</summary>
    private bool IsOfOlderConnection(in Flow flow, TcpSegment segment) =>
        flow.Tcp.Has(TcpFlags.SynPending) && !segment.Opens && !SegmentList.IsBehindSyn(in flow.Tcp, segment.Sequence)
        && !segments.MayContinueAt(in flow, segment.Sequence);

    private bool NoteControl(ref Flow flow, TcpSegment segment, FrameRef secondary)
    {
        ref Frame frame = ref arena[secondary];
        ref TcpState tcp = ref flow.Tcp;
        bool isNewSyn = segment.Opens && !(tcp.Has(TcpFlags.SecondarySyn) && tcp.SecondaryIsn == segment.Sequence);
        if (isNewSyn)
        {
            tcp.SecondaryIsn = segment.Sequence;
            tcp.SecondarySynNumber = frame.Number;
            tcp.SecondaryOffer = segment.SynOffer;
            tcp.SecondarySynAck = segment.Ack;
            tcp.Shift = 0;
            tcp.Clear(TcpFlags.NextAcked | TcpFlags.SecondaryFin | TcpFlags.FinPending | TcpFlags.FinMatched
                | TcpFlags.RstPending | TcpFlags.RstMatched | TcpFlags.SynPending | TcpFlags.SynPendingAck | TcpFlags.ShiftOpen | TcpFlags.OlderDropped);
            tcp.Pend(TcpFlags.SynPending, frame.ArrivalNs);
            tcp.Set(TcpFlags.SecondarySyn | (segment.Has(Tcp.Ack) ? TcpFlags.SynPendingAck : 0));
        }

        bool isNewRst = segment.Resets && !tcp.Has(TcpFlags.RstMatched);
        if (isNewRst && tcp.Has(TcpFlags.FinMatched))
        {
            // After both sides have closed, a RST only answers a segment to a closed connection (RFC 9293 section 3.10.7.1). The
            // primary may send a RST too, but need not.
            tcp.Set(TcpFlags.RstMatched);
        }
        else if (isNewRst)
        {
            tcp.SecondaryRst = segment.Sequence;
            tcp.SecondaryRstText = Text(secondary);
            tcp.Pend(TcpFlags.RstPending, frame.ArrivalNs);
        }

        bool isOlder = IsOfOlderConnection(in flow, segment);
        bool advances = segment.Has(Tcp.Ack) && !IsStray(ref tcp, segment)
            && (tcp.Has(TcpFlags.SynPending) && !isOlder
                ? TryRaise(ref tcp, ref tcp.NextAck, TcpFlags.NextAcked, segment.Ack)
                : TryRaise(ref tcp, ref tcp.SecondaryAck, TcpFlags.SecondaryAcked, segment.Ack));
        tcp.SecondaryWindow = isOlder ? tcp.SecondaryWindow : segment.Window;
        return isNewSyn || isNewRst || advances || segment.Has(Tcp.Fin);
    }

    private static void NoteFin(ref TcpState tcp, in Frame frame)
    {
        tcp.SecondaryFin = frame.Segment.StreamEnd;
        tcp.Set(TcpFlags.SecondaryFin);
        if (!tcp.Verified.Contains(frame.Segment.StreamEnd, out _))
        {
            tcp.Pend(TcpFlags.FinPending, frame.ArrivalNs);
        }
    }

    /// <summary>Whether a SYN, FIN or RST of the secondary that the primary has not sent arrived at a time or before.</summary>
    public bool HasControlSince(ref Flow flow, long arrivalNs)
    {
        if (passesResets)
        {
            // RSTs are not compared, so the secondary's needs no twin.
            flow.Tcp.Clear(TcpFlags.RstPending);
            flow.RenewPrediction();
        }

        if (!flow.Tcp.IsControlPending || flow.Tcp.ControlSinceNs > arrivalNs)
        {
            return false;
        }

        bool isStraggler = epochStart.IsStraggler(flow.Tcp.ControlSinceNs);
        if (isStraggler)
        {
            // The secondary's old state sent the flags. They count as never sent; if the new secondary sends them again, those
            // count.
            flow.Tcp.Clear(
                TcpFlags.SynPending | TcpFlags.SecondarySyn | TcpFlags.FinPending | TcpFlags.SecondaryFin | TcpFlags.RstPending);
            flow.RenewPrediction();
        }

        return !isStraggler;
    }

    /// <summary>The hash of the text in a RST (RFC 1122 section 4.2.2.12); 0 when there is none.</summary>
    private uint Text(FrameRef reset)
    {
        ReadOnlySpan<byte> text = arena.Payload(reset);
        if (text.IsEmpty)
        {
            return 0;
        }

        HashCode hash = default;
        hash.AddBytes(text);
        return (uint)hash.ToHashCode() | 1;
    }

    private Verdict CompareReset(ref TcpState tcp, FrameRef primary)
    {
        uint sequence = new TcpSegment(arena.View(primary)).Sequence;

        // While the secondary's SYN waits for the primary's, the secondary's RST belongs to the connection that this SYN opens.
        if (tcp.Has(TcpFlags.RstPending) && !tcp.Has(TcpFlags.SynPending))
        {
            // The two sequence numbers may differ, but a client accepts no RST outside its window, and no window is larger. A
            // rewriter in front of the secondary (QEMU's filter-rewriter) translates sequence numbers only in segments with an
            // ACK; a RST without one has the secondary's own.
            uint untranslated = tcp.Has(TcpFlags.SynMatched) ? tcp.PrimaryIsn - tcp.SecondaryIsn : tcp.Shift;
            uint distance = Math.Min(
                TcpSequence.Distance(sequence, tcp.SecondaryRst),
                TcpSequence.Distance(sequence, tcp.SecondaryRst + untranslated));
            if (distance >= EngineLimits.MaxWindowBytes)
            {
                return Verdict.Diverged(DivergenceReason.Control);
            }

            if (tcp.SecondaryRstText != Text(primary))
            {
                return Verdict.Diverged(DivergenceReason.Payload);
            }

            tcp.Clear(TcpFlags.RstPending);
            tcp.Set(TcpFlags.RstMatched);
        }

        if (tcp.Has(TcpFlags.RstMatched))
        {
            return Verdict.Release;
        }

        return passesResets ? Verdict.ReleaseUnverified : Verdict.Hold(DivergenceReason.Timeout);
    }

    /// <summary>The verdict on a frame of the primary in a connection that the secondary has reset. Where RSTs are not compared
    /// (<c>rst: pass</c>), the primary's own may have been released already, and the secondary may only be late with the segments
    /// behind its RST.</summary>
    private Verdict BehindReset(int offset) => passesResets
        ? Verdict.Suspect(DivergenceReason.Control, offset)
        : Verdict.Diverged(DivergenceReason.Control, offset);

    private Verdict CompareSyn(ref Flow flow, TcpSegment segment)
    {
        ref TcpState tcp = ref flow.Tcp;
        if (tcp.Has(TcpFlags.SynMatched) && segment.Sequence == tcp.PrimaryIsn)
        {
            return Verdict.Release;
        }

        if (!tcp.Has(TcpFlags.SynPending))
        {
            return tcp.Has(TcpFlags.RstPending) ? BehindReset(0) : Verdict.Hold(DivergenceReason.Timeout);
        }

        if (tcp.Has(TcpFlags.SynPendingAck) != segment.Has(Tcp.Ack))
        {
            return Verdict.Diverged(DivergenceReason.Control);
        }

        bool answersAnother = segment.Has(Tcp.Ack)
            && TcpSequence.Distance(segment.Ack, tcp.SecondarySynAck) > EngineLimits.OvertakenSynBytes;
        if (answersAnother)
        {
            // The two SYNs acknowledge SYNs of different connections between the same ports: one of the two is older.
            return Verdict.Hold(DivergenceReason.Timeout);
        }

        bool isFixed = isUntranslated && segment.Sequence != tcp.SecondaryIsn
            && TcpOptionList.Inspect(segment.Options) == TcpOptionsState.Signed;
        if (isFixed)
        {
            // No segment of the client could be translated.
            return Verdict.Diverged(DivergenceReason.Translation);
        }

        if (headers.CountSyn(segment.SynOffer & comparedOffer, tcp.SecondaryOffer & comparedOffer) is { } strict)
        {
            return Verdict.StrictField(strict, FrameRef.None);
        }

        BeginConnection(ref flow, segment.Sequence);
        return Verdict.Release;
    }

    /// <summary>Begins a connection of which both SYNs have arrived. Segments from before belong to an older connection between
    /// the same ports.</summary>
    private void BeginConnection(ref Flow flow, uint primaryIsn)
    {
        ref TcpState tcp = ref flow.Tcp;
        tcp.Clear(
            TcpFlags.SynPending | TcpFlags.RstMatched | TcpFlags.FinMatched | TcpFlags.InStep | TcpFlags.SecondaryAcked);
        tcp.SecondaryAck = tcp.NextAck;
        tcp.Set(tcp.Has(TcpFlags.NextAcked) ? TcpFlags.SecondaryAcked : TcpFlags.None);
        tcp.Verified.Reset(primaryIsn, primaryIsn + 1);
        segments.DropOlderConnection(ref flow);
        tcp.Set(TcpFlags.SynMatched);
        cache.ClearBefore(ref flow, tcp.SecondarySynNumber);
        if (tcp.SecondaryIsn != primaryIsn && isUntranslated)
        {
            ShiftSecondary(ref flow);
        }
        else if (tcp.SecondaryIsn != primaryIsn)
        {
            tcp.Set(TcpFlags.ShiftOpen);
            if (!flow.Secondary.IsEmpty)
            {
                FixShift(ref flow, arena[flow.Secondary.Head].Segment.PayloadSequence);
            }
        }
    }

    /// <summary>
    /// Finds out how to translate the secondary's sequence numbers when the two sides chose different initial ones. Either a
    /// rewriter in front of the secondary translates the segments behind the SYN into the primary's numbers, or nothing does. The
    /// first segment behind the SYN decides: it follows the initial number to which it is nearer.
    /// </summary>
    private void FixShift(ref Flow flow, uint sequence)
    {
        ref TcpState tcp = ref flow.Tcp;
        tcp.Clear(TcpFlags.ShiftOpen);
        if (sequence - tcp.PrimaryIsn <= sequence - tcp.SecondaryIsn)
        {
            return;
        }

        ShiftSecondary(ref flow);
    }

    /// <summary>Translates the secondary's sequence numbers by the difference of the two initial ones.</summary>
    private void ShiftSecondary(ref Flow flow)
    {
        ref TcpState tcp = ref flow.Tcp;
        tcp.Shift = tcp.PrimaryIsn - tcp.SecondaryIsn;
        tcp.SecondaryFin += tcp.Shift;
        Translate(flow.Secondary.Head, tcp.Shift);
        if (!flow.Cached.IsEmpty)
        {
            RetransmitCache.ForgetIndex(ref flow);
            Translate(flow.Cached.Head, tcp.Shift);
        }
    }

    /// <summary>Whether a segment is farther than <see cref="EngineLimits.StrayBytes"/> from both SYNs. Such a segment belongs to
    /// the connection before, and the SYN overtook the segment.</summary>
    private static bool IsFarFromBothSyns(in TcpState tcp, uint sequence) =>
        TcpSequence.Distance(sequence, tcp.PrimaryIsn) > EngineLimits.StrayBytes
        && TcpSequence.Distance(sequence, tcp.SecondaryIsn) > EngineLimits.StrayBytes;

    private void Translate(FrameRef first, uint shift)
    {
        for (FrameRef at = first; !at.IsNone; at = arena[at].Next)
        {
            steps.Count();
            arena[at].Segment.PayloadSequence += shift;
            arena[at].Segment.StreamStart += shift;
            arena[at].Segment.StreamEnd += shift;
        }
    }

    private static Verdict CompareFin(ref TcpState tcp, uint fin)
    {
        if (tcp.Verified.Contains(fin, out _))
        {
            return Verdict.Release;
        }

        if (!tcp.Has(TcpFlags.SecondaryFin))
        {
            return Verdict.Hold(DivergenceReason.Timeout);
        }

        if (tcp.SecondaryFin != fin)
        {
            return Verdict.Diverged(DivergenceReason.Control);
        }

        tcp.Verified.Add(fin, fin + 1);
        tcp.Clear(TcpFlags.FinPending);
        tcp.Set(TcpFlags.FinMatched);
        return Verdict.Release;
    }
}
