// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Compare;

/// <content>What opens, closes and joins the two streams: SYN, FIN, RST, the numbers that each side chose, and checkpoints.</content>
internal sealed partial class TcpStreamComparer
{
    /// <summary>A checkpoint made all that the primary has said the secondary's too; the secondary's own queue is empty.</summary>
    public static void Synchronise(ref Flow flow)
    {
        TcpState before = flow.Tcp;
        flow.Tcp = TcpState.Fresh;
        ref TcpState tcp = ref flow.Tcp;
        tcp.PrimaryNext = before.PrimaryNext;
        tcp.PrimaryIsn = before.PrimaryIsn;
        tcp.PrimaryAck = before.PrimaryAck;
        tcp.Flags = before.Flags & (TcpFlags.PrimarySeen | TcpFlags.PrimaryAcked | TcpFlags.PrimarySyn);
        if (tcp.Has(TcpFlags.PrimarySyn))
        {
            tcp.SecondaryIsn = before.PrimaryIsn;
            tcp.Set(TcpFlags.SecondarySyn | TcpFlags.SynMatched);
        }

        if (tcp.Has(TcpFlags.PrimarySeen))
        {
            tcp.Verified.Reset(before.PrimaryNext - EngineLimits.MaxVerifiedRangeBytes, before.PrimaryNext);
        }

        if (tcp.Has(TcpFlags.PrimaryAcked))
        {
            tcp.SecondaryAck = before.PrimaryAck;
            tcp.Set(TcpFlags.SecondaryAcked);
        }
    }

    private static void Share(ref TcpState tcp, TcpSegment segment)
    {
        if (segment.Next != segment.Sequence)
        {
            tcp.Verified.Add(segment.Sequence, segment.Next);
        }

        if (segment.Has(Tcp.Syn))
        {
            tcp.SecondaryIsn = segment.Sequence;
            tcp.Set(TcpFlags.SecondarySyn | TcpFlags.SynMatched);
        }

        if (segment.Has(Tcp.Ack) && (!tcp.Has(TcpFlags.SecondaryAcked) || TcpSequence.After(segment.Ack, tcp.SecondaryAck)))
        {
            tcp.SecondaryAck = segment.Ack;
            tcp.Set(TcpFlags.SecondaryAcked);
        }
    }

    private static bool NoteControl(ref Flow flow, TcpSegment segment, uint number)
    {
        ref TcpState tcp = ref flow.Tcp;
        bool isNewSyn = segment.Has(Tcp.Syn) && !(tcp.Has(TcpFlags.SecondarySyn) && tcp.SecondaryIsn == segment.Sequence);
        if (isNewSyn)
        {
            tcp.SecondaryIsn = segment.Sequence;
            tcp.SecondarySynNumber = number;
            tcp.Shift = 0;
            tcp.Clear(TcpFlags.SecondaryAcked | TcpFlags.SecondaryFin | TcpFlags.RstPending | TcpFlags.RstMatched
                | TcpFlags.SynPendingAck | TcpFlags.ShiftOpen);
            tcp.Set(TcpFlags.SecondarySyn | TcpFlags.SynPending | (segment.Has(Tcp.Ack) ? TcpFlags.SynPendingAck : 0));
        }

        bool isNewRst = segment.Has(Tcp.Rst) && !tcp.Has(TcpFlags.RstMatched);
        if (isNewRst)
        {
            tcp.Set(TcpFlags.RstPending);
        }

        bool advances = segment.Has(Tcp.Ack)
            && (!tcp.Has(TcpFlags.SecondaryAcked) || TcpSequence.After(segment.Ack, tcp.SecondaryAck));
        if (advances)
        {
            tcp.SecondaryAck = segment.Ack;
            tcp.Set(TcpFlags.SecondaryAcked);
        }

        tcp.SecondaryWindow = segment.Window;
        return isNewSyn || isNewRst || advances || segment.Has(Tcp.Fin);
    }

    private static Verdict JudgeReset(ref TcpState tcp)
    {
        if (tcp.Has(TcpFlags.RstPending))
        {
            tcp.Clear(TcpFlags.RstPending);
            tcp.Set(TcpFlags.RstMatched);
        }

        return tcp.Has(TcpFlags.RstMatched) ? Verdict.Release : Verdict.Hold(DivergenceReason.Timeout);
    }

    private Verdict JudgeSyn(ref Flow flow, TcpSegment segment)
    {
        ref TcpState tcp = ref flow.Tcp;
        if (tcp.Has(TcpFlags.SynMatched) && segment.Sequence == tcp.PrimaryIsn)
        {
            return Verdict.Release;
        }

        if (!tcp.Has(TcpFlags.SynPending))
        {
            return tcp.Has(TcpFlags.RstPending)
                ? Verdict.Diverged(DivergenceReason.Control)
                : Verdict.Hold(DivergenceReason.Timeout);
        }

        if (tcp.Has(TcpFlags.SynPendingAck) != segment.Has(Tcp.Ack))
        {
            return Verdict.Diverged(DivergenceReason.Control);
        }

        BeginConnection(ref flow, segment.Sequence);
        return Verdict.Release;
    }

    /// <summary>Both SYNs are there: what came before belongs to an older connection between the same ports.</summary>
    private void BeginConnection(ref Flow flow, uint primaryIsn)
    {
        ref TcpState tcp = ref flow.Tcp;
        tcp.Clear(TcpFlags.SynPending | TcpFlags.RstMatched);
        tcp.Set(TcpFlags.SynMatched);
        tcp.Verified.Reset(primaryIsn, primaryIsn + 1);
        segments.DropOlderConnection(ref flow);
        if (tcp.SecondaryIsn != primaryIsn)
        {
            tcp.Set(TcpFlags.ShiftOpen);
            if (!flow.Secondary.IsEmpty)
            {
                SettleShift(ref flow, arena[flow.Secondary.Head].PayloadSequence);
            }
        }
    }

    /// <summary>
    /// The two chose different initial numbers. Either a rewriter before the secondary translates what follows into the primary's
    /// numbers, or nothing does: the first segment after the SYN tells, by the number that it is nearer to.
    /// </summary>
    private void SettleShift(ref Flow flow, uint sequence)
    {
        ref TcpState tcp = ref flow.Tcp;
        tcp.Clear(TcpFlags.ShiftOpen);
        if (sequence - tcp.PrimaryIsn <= sequence - tcp.SecondaryIsn)
        {
            return;
        }

        tcp.Shift = tcp.PrimaryIsn - tcp.SecondaryIsn;
        tcp.SecondaryFin += tcp.Shift;
        for (FrameRef at = flow.Secondary.Head; !at.IsNone; at = arena[at].Next)
        {
            arena[at].PayloadSequence += tcp.Shift;
            arena[at].StreamStart += tcp.Shift;
            arena[at].StreamEnd += tcp.Shift;
        }
    }

    private static Verdict JudgeFin(ref TcpState tcp, uint fin)
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
        return Verdict.Release;
    }
}
