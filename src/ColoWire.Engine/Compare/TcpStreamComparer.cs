// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Rings;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Compare;

/// <summary>
/// Compares two TCP streams byte by byte, however each side cut, repeated or reordered its segments (R2). A segment of the primary
/// may go when the secondary has produced each of its bytes, and its SYN, FIN or RST, and has acknowledged as much: else, after a
/// take-over, the client would not send again what the secondary never got. This file is the bytes; SYN, FIN, RST and what a
/// checkpoint means stand in <c>TcpStreamComparer.Control.cs</c>.
/// </summary>
internal sealed partial class TcpStreamComparer(FrameArena arena, ShardCounters counters, SpscRing<FrameRef> secondaryHome)
{
    private readonly SegmentList segments = new(arena, counters, secondaryHome);
    private readonly HeaderDifferences headers = new(arena, counters);

    /// <summary>Notes where a segment of the primary stands in its stream.</summary>
    /// <param name="flow">Its flow.</param>
    /// <param name="primary">The segment.</param>
    /// <param name="isShared">Whether a checkpoint made it the secondary's too, so that neither has to say it again.</param>
    public void AcceptPrimary(ref Flow flow, FrameRef primary, bool isShared)
    {
        ref Frame frame = ref arena[primary];
        TcpSegment segment = new(arena.Bytes(primary), in frame.Layout);
        frame.PayloadSequence = segment.StreamStart;
        frame.StreamStart = segment.StreamStart;
        frame.StreamEnd = segment.StreamEnd;
        ref TcpState tcp = ref flow.Tcp;
        bool isNewSyn = segment.Has(Tcp.Syn) && !(tcp.Has(TcpFlags.PrimarySyn) && tcp.PrimaryIsn == segment.Sequence);
        if (isNewSyn)
        {
            tcp.PrimaryIsn = segment.Sequence;
            tcp.Clear(TcpFlags.SynMatched | TcpFlags.PrimarySeen | TcpFlags.PrimaryAcked);
            tcp.Set(TcpFlags.PrimarySyn);
        }

        if (!tcp.Has(TcpFlags.PrimarySeen) || TcpSequence.After(segment.Next, tcp.PrimaryNext))
        {
            tcp.PrimaryNext = segment.Next;
        }

        if (segment.Has(Tcp.Ack) && (!tcp.Has(TcpFlags.PrimaryAcked) || TcpSequence.After(segment.Ack, tcp.PrimaryAck)))
        {
            tcp.PrimaryAck = segment.Ack;
            tcp.Set(TcpFlags.PrimaryAcked);
        }

        tcp.Set(TcpFlags.PrimarySeen);
        if (isShared)
        {
            Share(ref tcp, segment);
        }
    }

    /// <summary>Takes in what a segment of the secondary says; keeps the frame only while it bears bytes not yet verified.</summary>
    /// <returns>Whether the oldest held primary frame should be judged again.</returns>
    public bool AcceptSecondary(ref Flow flow, FrameRef secondary)
    {
        ref Frame frame = ref arena[secondary];
        TcpSegment segment = new(arena.Bytes(secondary), in frame.Layout);
        ref TcpState tcp = ref flow.Tcp;
        bool news = NoteControl(ref flow, segment, frame.Number);
        if (tcp.Has(TcpFlags.ShiftOpen) && !segment.Has(Tcp.Syn) && !segment.Has(Tcp.Rst))
        {
            SettleShift(ref flow, segment.Sequence);
        }

        frame.PayloadSequence = segment.StreamStart + tcp.Shift;
        frame.StreamStart = frame.PayloadSequence;
        frame.StreamEnd = frame.StreamStart + frame.Layout.PayloadLength;
        if (segment.Has(Tcp.Fin))
        {
            tcp.SecondaryFin = frame.StreamEnd;
            tcp.Set(TcpFlags.SecondaryFin);
        }

        if (frame.Layout.PayloadLength == 0)
        {
            secondaryHome.Add(secondary);
            return news;
        }

        return Keep(ref flow, secondary) || news;
    }

    /// <summary>Says what may happen to the oldest held primary frame; what is verified of it stays verified.</summary>
    public Verdict Judge(ref Flow flow, FrameRef primary)
    {
        ref Frame frame = ref arena[primary];
        TcpSegment segment = new(arena.Bytes(primary), in frame.Layout);
        ref TcpState tcp = ref flow.Tcp;
        if (segment.Has(Tcp.Rst))
        {
            return JudgeReset(ref tcp);
        }

        if (segment.Has(Tcp.Syn) && JudgeSyn(ref flow, segment) is { Kind: not VerdictKind.Release } syn)
        {
            return syn;
        }

        if (JudgeBytes(ref flow, primary) is { Kind: not VerdictKind.Release } bytes)
        {
            return bytes;
        }

        if (segment.Has(Tcp.Fin) && JudgeFin(ref tcp, frame.StreamEnd) is { Kind: not VerdictKind.Release } fin)
        {
            return fin;
        }

        return segment.Has(Tcp.Ack) ? JudgeAck(in tcp, segment, frame.Layout.PayloadLength == 0) : Verdict.Release;
    }

    /// <summary>Keeps a segment with payload, trimmed to what is not verified yet.</summary>
    /// <returns>Whether it holds the byte that the oldest held primary frame waits for.</returns>
    private bool Keep(ref Flow flow, FrameRef secondary)
    {
        ref Frame frame = ref arena[secondary];
        if (flow.Tcp.Verified.Contains(frame.StreamStart, out uint verifiedEnd))
        {
            frame.StreamStart = TcpSequence.Earlier(verifiedEnd, frame.StreamEnd);
        }

        segments.Insert(ref flow, secondary);
        if (flow.Primary.IsEmpty)
        {
            return false;
        }

        uint waitedFor = arena[flow.Primary.Head].StreamStart;
        return !segments.Find(ref flow, waitedFor).IsNone;
    }

    private Verdict JudgeBytes(ref Flow flow, FrameRef primary)
    {
        ref Frame frame = ref arena[primary];
        ref TcpState tcp = ref flow.Tcp;
        while (frame.StreamStart != frame.StreamEnd)
        {
            if (tcp.Verified.Contains(frame.StreamStart, out uint verifiedEnd))
            {
                frame.StreamStart = TcpSequence.Earlier(verifiedEnd, frame.StreamEnd);
                continue;
            }

            FrameRef secondary = segments.Find(ref flow, frame.StreamStart);
            if (secondary.IsNone)
            {
                return JudgeMissing(in flow, in frame);
            }

            int difference = CompareWith(ref flow, primary, secondary);
            if (difference >= 0)
            {
                int offset = (int)(frame.StreamStart - frame.PayloadSequence) + difference;
                int secondaryOffset = (int)(frame.StreamStart - arena[secondary].PayloadSequence) + difference;
                return new Verdict(VerdictKind.Divergence, DivergenceReason.Payload, offset, secondary, secondaryOffset);
            }
        }

        return Verdict.Release;
    }

    /// <summary>Compares as much as both segments hold; what is equal is verified and, where nothing of it is left, goes home.</summary>
    /// <returns>Bytes from the start of the comparison to the first difference, or -1.</returns>
    private int CompareWith(ref Flow flow, FrameRef primary, FrameRef secondary)
    {
        ref Frame frame = ref arena[primary];
        ReadOnlySpan<byte> theirs = segments.BytesFrom(secondary, frame.StreamStart);
        int count = Math.Min(theirs.Length, (int)(frame.StreamEnd - frame.StreamStart));
        int offset = frame.Layout.PayloadOffset + (int)(frame.StreamStart - frame.PayloadSequence);
        int difference = ByteEquality.FirstDifference(arena.Bytes(primary).Slice(offset, count), theirs[..count]);
        if (difference >= 0)
        {
            return difference;
        }

        if (frame.StreamStart == frame.PayloadSequence)
        {
            headers.Count(primary, secondary);
        }

        uint end = frame.StreamStart + (uint)count;
        flow.Tcp.Verified.Add(frame.StreamStart, end);
        frame.StreamStart = end;
        ref Frame other = ref arena[secondary];
        if (end == other.StreamEnd && flow.Tcp.Verified.Covers(other.StreamStart, end))
        {
            segments.Remove(ref flow, secondary);
        }

        return -1;
    }

    private static Verdict JudgeMissing(in Flow flow, in Frame frame)
    {
        // A secondary that has closed or reset its stream will never produce these bytes.
        bool closedBefore = flow.Tcp.Has(TcpFlags.SecondaryFin) && !TcpSequence.Before(frame.StreamStart, flow.Tcp.SecondaryFin);
        if (closedBefore || flow.Tcp.Has(TcpFlags.RstPending))
        {
            return Verdict.Diverged(DivergenceReason.Control, (int)(frame.StreamStart - frame.PayloadSequence));
        }

        bool neverMet = flow.Tcp.Verified.IsEmpty && !flow.Secondary.IsEmpty;
        return Verdict.Hold(
            neverMet ? DivergenceReason.Position : DivergenceReason.Timeout, (int)(frame.StreamStart - frame.PayloadSequence));
    }

    private Verdict JudgeAck(in TcpState tcp, TcpSegment segment, bool isPure)
    {
        if (!tcp.Has(TcpFlags.SecondaryAcked) || TcpSequence.After(segment.Ack, tcp.SecondaryAck))
        {
            return Verdict.Hold(DivergenceReason.Ack);
        }

        if (isPure && segment.Ack == tcp.SecondaryAck)
        {
            headers.CountWindow(segment.Window, tcp.SecondaryWindow);
        }

        return Verdict.Release;
    }
}
