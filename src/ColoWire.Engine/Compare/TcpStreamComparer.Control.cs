// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Compare;

/// <content>What opens, closes and joins the two streams: SYN, FIN, RST, the numbers that each side chose, and checkpoints.</content>
internal sealed partial class TcpStreamComparer
{
    /// <summary>Forgets what was said before: frames passed uncompared, and the flow may be another connection by now. The
    /// secondary's own queue is empty.</summary>
    public static void Forget(ref Flow flow)
    {
        flow.Tcp = TcpState.Fresh;
        flow.RenewPrediction();
    }

    /// <summary>A checkpoint made all that the primary has said the secondary's too; the secondary's own queue is empty.</summary>
    public static void Synchronise(ref Flow flow)
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

        flow.RenewPrediction();
    }

    /// <summary>What the primary said before a checkpoint, and comes only now, is the secondary's too.</summary>
    private void Share(ref Flow flow, TcpSegment segment)
    {
        ref TcpState tcp = ref flow.Tcp;
        if (segment.Opens)
        {
            ShareSyn(ref flow, segment.Sequence);
        }

        if (tcp.Has(TcpFlags.SynPending))
        {
            // Since the checkpoint the secondary has begun another connection: what the primary acknowledged, closed or reset in the one
            // before says nothing of that.
            return;
        }

        if (segment.Resets)
        {
            tcp.Set(TcpFlags.RstMatched);
        }
        else
        {
            // All that stands before it the primary had said by then, too, even if it was lost on the way here.
            tcp.Verified.Add(segment.Next - EngineLimits.VerifiedBytes, segment.Next);
        }

        if (segment.Has(Tcp.Ack) && (!tcp.Has(TcpFlags.SecondaryAcked) || TcpSequence.After(segment.Ack, tcp.SecondaryAck)))
        {
            tcp.SecondaryAck = segment.Ack;
            tcp.Set(TcpFlags.SecondaryAcked);
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
            // The secondary has repeated it meanwhile; or has gone on to a later one, for which the primary's still has to come.
            if (tcp.SecondaryIsn == sequence)
            {
                BeginConnection(ref flow, sequence);
            }

            return;
        }

        // What was verified so far belongs to an older connection, whose numbers may come again in this one.
        tcp.Verified.Reset(sequence, sequence + 1);
        tcp.SecondaryIsn = sequence;
        tcp.Clear(TcpFlags.SecondaryAcked | TcpFlags.SecondaryFin | TcpFlags.FinPending | TcpFlags.FinMatched | TcpFlags.RstPending
            | TcpFlags.RstMatched | TcpFlags.InStep);
        tcp.Set(TcpFlags.SecondarySyn | TcpFlags.SynMatched);
    }

    /// <summary>Whether a segment of the secondary that comes behind its new SYN belongs to the connection before, and was only overtaken
    /// by that SYN.</summary>
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
            tcp.Clear(TcpFlags.SecondaryAcked | TcpFlags.SecondaryFin | TcpFlags.FinPending | TcpFlags.FinMatched
                | TcpFlags.RstPending | TcpFlags.RstMatched | TcpFlags.SynPending | TcpFlags.SynPendingAck | TcpFlags.ShiftOpen | TcpFlags.OlderDropped);
            tcp.Pend(TcpFlags.SynPending, frame.ArrivalNs);
            tcp.Set(TcpFlags.SecondarySyn | (segment.Has(Tcp.Ack) ? TcpFlags.SynPendingAck : 0));
        }

        bool isNewRst = segment.Resets && !tcp.Has(TcpFlags.RstMatched);
        if (isNewRst && tcp.Has(TcpFlags.FinMatched))
        {
            // Where both have closed, it says that somebody knocked at a closed door: the primary may say so too, and need not.
            tcp.Set(TcpFlags.RstMatched);
        }
        else if (isNewRst)
        {
            tcp.SecondaryRst = segment.Sequence;
            tcp.SecondaryRstText = Text(secondary);
            tcp.Pend(TcpFlags.RstPending, frame.ArrivalNs);
        }

        bool advances = segment.Has(Tcp.Ack) && !IsStray(ref tcp, segment) && !IsOfOlderConnection(in flow, segment)
            && (!tcp.Has(TcpFlags.SecondaryAcked) || TcpSequence.After(segment.Ack, tcp.SecondaryAck));
        if (advances)
        {
            tcp.SecondaryAck = segment.Ack;
            tcp.Set(TcpFlags.SecondaryAcked);
        }

        tcp.SecondaryWindow = segment.Window;
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

    /// <summary>Whether a SYN, FIN or RST of the secondary has waited for the primary's since an instant or before.</summary>
    public bool HasControlSince(ref Flow flow, long arrivalNs)
    {
        if (passesResets)
        {
            // Nobody compares it: it need not find a twin.
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
            // As if it had never been said: should the secondary say it again, that counts.
            flow.Tcp.Clear(TcpFlags.SynPending | TcpFlags.SecondarySyn | TcpFlags.FinPending | TcpFlags.SecondaryFin | TcpFlags.RstPending);
            flow.RenewPrediction();
        }

        return !isStraggler;
    }

    /// <summary>The hash of what a RST says beside that it is one; 0 when that is nothing.</summary>
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

        // Behind a SYN that the primary has not sent yet, it belongs to the connection that is about to begin.
        if (tcp.Has(TcpFlags.RstPending) && !tcp.Has(TcpFlags.SynPending))
        {
            // The two may stand at different places, but no client accepts one beyond its window, and none has a larger window. A rewriter
            // translates the secondary's numbers in segments with an ACK, and leaves this one without in its own.
            uint untranslated = tcp.Has(TcpFlags.SynMatched) ? tcp.PrimaryIsn - tcp.SecondaryIsn : tcp.Shift;
            uint distance = Math.Min(
                TcpSequence.Distance(sequence, tcp.SecondaryRst), TcpSequence.Distance(sequence, tcp.SecondaryRst + untranslated));
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

    /// <summary>The secondary has reset the connection in which the primary goes on. Where resets are not compared (<c>rst</c>), the
    /// primary's own has left already, and the secondary may only be late with what comes behind that.</summary>
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
            // The two SYNs open different connections between the same ports: one of the SYNs is older.
            return Verdict.Hold(DivergenceReason.Timeout);
        }

        if (headers.CountSyn(segment.SynOffer, tcp.SecondaryOffer) is { } strict)
        {
            return Verdict.StrictField(strict, FrameRef.None);
        }

        BeginConnection(ref flow, segment.Sequence);
        return Verdict.Release;
    }

    /// <summary>Both SYNs are there: what came before belongs to an older connection between the same ports.</summary>
    private void BeginConnection(ref Flow flow, uint primaryIsn)
    {
        ref TcpState tcp = ref flow.Tcp;
        tcp.Clear(TcpFlags.SynPending | TcpFlags.RstMatched | TcpFlags.FinMatched | TcpFlags.InStep);
        tcp.Set(TcpFlags.SynMatched);
        tcp.Verified.Reset(primaryIsn, primaryIsn + 1);
        segments.DropOlderConnection(ref flow);
        cache.ClearBefore(ref flow, tcp.SecondarySynNumber);
        if (tcp.SecondaryIsn != primaryIsn)
        {
            tcp.Set(TcpFlags.ShiftOpen);
            if (!flow.Secondary.IsEmpty)
            {
                FixShift(ref flow, arena[flow.Secondary.Head].Segment.PayloadSequence);
            }
        }
    }

    /// <summary>
    /// The two chose different initial numbers. Either a rewriter before the secondary translates what follows into the primary's
    /// numbers, or nothing does: the first segment after the SYN tells, by the number that it is nearer to.
    /// </summary>
    private void FixShift(ref Flow flow, uint sequence)
    {
        ref TcpState tcp = ref flow.Tcp;
        tcp.Clear(TcpFlags.ShiftOpen);
        if (sequence - tcp.PrimaryIsn <= sequence - tcp.SecondaryIsn)
        {
            return;
        }

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
    /// the connection before, and the SYN overtook it.</summary>
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
