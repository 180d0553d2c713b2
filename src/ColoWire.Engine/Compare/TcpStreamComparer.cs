// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine.Exits;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Compare;

/// <summary>
/// Compares two TCP streams byte by byte, independently of how each side cut, repeated or reordered its segments (R2). A segment
/// of the primary may be released when the secondary has sent each of its bytes and its SYN, FIN or RST, and has acknowledged as
/// much. Otherwise, after a take-over, the client would not retransmit bytes that the secondary has never received. This file
/// compares the bytes. SYN, FIN, RST and checkpoints are in <c>TcpStreamComparer.Control.cs</c>, retransmissions in
/// <c>TcpStreamComparer.Repetition.cs</c>, streams whose beginning was not captured in <c>TcpStreamComparer.MidStream.cs</c>, and
/// predicted segments in <c>TcpStreamComparer.Prediction.cs</c>.
/// </summary>
internal sealed partial class TcpStreamComparer(
    EngineOptions options, FrameArena arena, FlowTable flows, ShardCounters counters, RetransmitCache cache,
    Disposition disposition, EpochStart epochStart, StepMeter steps)
{
    private readonly SegmentList segments = new(arena, counters, disposition, epochStart, steps);
    private readonly HeaderDifferences headers = new(arena, counters, options.StrictFields);
    private readonly bool passesResets = options.Reset == ResetPolicy.Pass;

    // Where the clients' frames pass through the shard, nothing in front of the secondary translates its sequence numbers.
    private readonly bool isUntranslated = options.Inbound == InboundMode.Mirror;

    // Where a rewriter in front of the secondary translates sequence numbers alone, timestamps differ anyway.
    private readonly uint comparedOffer =
        options.Inbound == InboundMode.Mirror ? uint.MaxValue : ~TcpSegment.OffersTimestamps;

    /// <summary>Records the position of a segment of the primary in its stream.</summary>
    /// <param name="flow">Its flow.</param>
    /// <param name="primary">The segment.</param>
    /// <param name="isShared">Whether a checkpoint has made the segment the secondary's too, so that the secondary need not send
    /// it.</param>
    public void AcceptPrimary(ref Flow flow, FrameRef primary, bool isShared)
    {
        ref Frame frame = ref arena[primary];
        TcpSegment segment = new(arena.View(primary));
        PlaceAt(ref frame, segment.StreamStart, segment.StreamEnd);
        ref TcpState tcp = ref flow.Tcp;
        bool isNewSyn = segment.Opens && !(tcp.Has(TcpFlags.PrimarySyn) && tcp.PrimaryIsn == segment.Sequence);
        if (isNewSyn)
        {
            tcp.PrimaryIsn = segment.Sequence;
            tcp.Clear(TcpFlags.SynMatched | TcpFlags.PrimarySeen | TcpFlags.PrimaryAcked | TcpFlags.PrimaryRst | TcpFlags.BeginningLeft);
            tcp.Set(TcpFlags.PrimarySyn);
        }

        bool isOfConnection = TryNotePrimary(ref tcp, segment);
        if (isOfConnection && segment.Has(Tcp.Ack))
        {
            tcp.PrimaryAck = tcp.Has(TcpFlags.PrimaryAcked) ? tcp.PrimaryAck : segment.Ack;
            NotePrimaryAck(ref tcp, segment.Ack);
            tcp.Set(TcpFlags.PrimaryAcked);
        }

        tcp.Set(TcpFlags.PrimarySeen | (segment.Resets ? TcpFlags.PrimaryRst : 0));
        if (isShared)
        {
            Share(ref flow, segment);
        }

        flow.RenewPrediction();
    }

    /// <summary>Records the control flags and the acknowledgment of a segment of the secondary; holds the frame only while it
    /// contains unverified bytes.</summary>
    /// <returns>Whether the oldest held frame of the primary is to be compared again.</returns>
    public bool AcceptSecondary(ref Flow flow, FrameRef secondary)
    {
        bool isNews = TakeIn(ref flow, secondary);
        flow.RenewPrediction();
        // The segment may report bytes of the client for which the primary's segment waits.
        return isNews || flow.Tcp.Has(TcpFlags.ClientGap);
    }

    private bool TakeIn(ref Flow flow, FrameRef secondary)
    {
        ref Frame frame = ref arena[secondary];
        TcpSegment segment = new(arena.View(secondary));
        ref TcpState tcp = ref flow.Tcp;
        bool news = NoteControl(ref flow, segment, secondary);
        if (tcp.Has(TcpFlags.ShiftOpen) && !segment.Has(Tcp.Syn | Tcp.Rst))
        {
            if (IsFarFromBothSyns(in tcp, segment.Sequence))
            {
                disposition.DropSecondary(secondary, DropReason.SecondaryUnmatched);
                return news;
            }

            FixShift(ref flow, segment.Sequence);
        }

        PlaceAt(ref frame, segment.StreamStart + tcp.Shift, segment.StreamEnd + tcp.Shift);
        if (segment.Closes && !IsOfOlderConnection(in flow, segment))
        {
            NoteFin(ref tcp, in frame);
        }

        if (!segment.Has(Tcp.Syn | Tcp.Rst))
        {
            NoteSecondary(ref tcp, frame.Segment.PayloadSequence);
        }

        if (frame.Segment.StreamStart == frame.Segment.StreamEnd)
        {
            disposition.ReturnSecondary(secondary);
            return news;
        }

        return Keep(ref flow, secondary) || news;
    }

    /// <summary>Removes a held segment of the secondary from its flow; the caller owns it afterwards.</summary>
    public void Remove(ref Flow flow, FrameRef secondary) => segments.Take(ref flow, secondary);

    /// <summary>Discards the search state over the secondary's held segments, before all of them are removed.</summary>
    public static void ForgetOrder(ref Flow flow)
    {
        flow.Tcp.Cursor = FrameRef.None;
        flow.Tcp.IndexRoot = FrameRef.None;
    }

    /// <summary>Decides what happens to the oldest held frame of the primary. Bytes of it that were verified stay
    /// verified.</summary>
    public Verdict Compare(ref Flow flow, FrameRef primary)
    {
        Verdict verdict = CompareInFull(ref flow, primary);
        flow.RenewPrediction();
        return verdict;
    }

    private Verdict CompareInFull(ref Flow flow, FrameRef primary)
    {
        ref Frame frame = ref arena[primary];
        TcpSegment segment = new(arena.View(primary));
        ref TcpState tcp = ref flow.Tcp;
        if (segment.Resets)
        {
            return CompareReset(ref tcp, primary);
        }

        if (segment.Opens && CompareSyn(ref flow, segment) is { Kind: not VerdictKind.Release } syn)
        {
            return syn;
        }

        if (CompareBytes(ref flow, primary) is { Kind: not VerdictKind.Release } bytes)
        {
            return bytes;
        }

        if (segment.Closes && CompareFin(ref tcp, frame.Segment.StreamEnd) is { Kind: not VerdictKind.Release } fin)
        {
            return fin;
        }

        if (!segment.Has(Tcp.Ack))
        {
            return Verdict.Release;
        }

        return isUntranslated && tcp.Has(TcpFlags.ClientGap) && !HasTwinOfSacks(ref flow, segment)
            ? Verdict.Hold(DivergenceReason.Ack)
            : CompareAck(in tcp, segment, frame.Layout.PayloadLength == 0);
    }

    /// <summary>Holds a segment with payload, unless all its bytes were sent before.</summary>
    /// <returns>Whether the segment may contain bytes for which the oldest held frame of the primary waits.</returns>
    private bool Keep(ref Flow flow, FrameRef secondary)
    {
        Insertion insertion = segments.Insert(ref flow, secondary);
        if (insertion == Insertion.SaidBefore)
        {
            return TryKeepChange(ref flow, secondary) && !flow.Primary.IsEmpty;
        }

        if (insertion == Insertion.OutOfWindow || flow.Primary.IsEmpty)
        {
            return false;
        }

        uint waitedFor = arena[flow.Primary.Head].Segment.StreamStart;
        return !segments.Find(ref flow, waitedFor).IsNone;
    }

    private Verdict CompareBytes(ref Flow flow, FrameRef primary)
    {
        ref Frame frame = ref arena[primary];
        while (frame.Segment.StreamStart != frame.Segment.StreamEnd)
        {
            if (flow.Tcp.Verified.Contains(frame.Segment.StreamStart, out uint verifiedEnd))
            {
                uint end = TcpSequence.Earlier(verifiedEnd, frame.Segment.StreamEnd);
                if (CompareRepeated(ref flow, primary, end) is { Kind: not VerdictKind.Release } change)
                {
                    return change;
                }

                frame.Segment.StreamStart = end;
                continue;
            }

            FrameRef secondary = segments.Find(ref flow, frame.Segment.StreamStart);
            if (secondary.IsNone)
            {
                return CompareMissing(in flow, in frame);
            }

            if (CompareWith(ref flow, primary, secondary) is { Kind: not VerdictKind.Release } difference)
            {
                return difference;
            }
        }

        return Verdict.Release;
    }

    /// <summary>Compares the bytes that both segments contain. Equal bytes are verified; once all bytes of the secondary's
    /// segment are, the segment is cached.</summary>
    private Verdict CompareWith(ref Flow flow, FrameRef primary, FrameRef secondary)
    {
        ref Frame frame = ref arena[primary];
        ReadOnlySpan<byte> theirs = segments.BytesFrom(secondary, frame.Segment.StreamStart);
        int count = Math.Min(theirs.Length, (int)(frame.Segment.StreamEnd - frame.Segment.StreamStart));
        int offset = frame.Layout.PayloadOffset + (int)(frame.Segment.StreamStart - frame.Segment.PayloadSequence);
        int difference = ByteEquality.FirstDifference(arena.Bytes(primary).Slice(offset, count), theirs[..count]);
        if (difference >= 0)
        {
            return Difference(DivergenceReason.Payload, primary, secondary, frame.Segment.StreamStart + (uint)difference);
        }

        if (frame.Segment.StreamStart == frame.Segment.PayloadSequence && headers.Count(primary, secondary) is { } strict)
        {
            return Verdict.StrictField(strict, secondary);
        }

        uint end = frame.Segment.StreamStart + (uint)count;
        flow.Tcp.Verified.Add(frame.Segment.StreamStart, end);
        flow.Tcp.Set(TcpFlags.InStep);
        frame.Segment.StreamStart = end;
        ref Frame other = ref arena[secondary];
        if (flow.Tcp.Verified.Covers(other.Segment.StreamStart, other.Segment.StreamEnd))
        {
            segments.Take(ref flow, secondary);
            cache.Keep(ref flow, secondary);
        }

        return Verdict.Release;
    }

    private Verdict Difference(DivergenceReason reason, FrameRef primary, FrameRef secondary, uint at) => new(
        VerdictKind.Divergence,
        reason,
        (int)(at - arena[primary].Segment.PayloadSequence),
        secondary,
        (int)(at - arena[secondary].Segment.PayloadSequence));

    private Verdict CompareMissing(in Flow flow, in Frame frame)
    {
        // A secondary that has closed or reset its stream never sends bytes behind the FIN or RST. Bytes before that may only
        // have been overtaken by it.
        ref readonly TcpState tcp = ref flow.Tcp;
        bool isClosed = tcp.Has(TcpFlags.SecondaryFin) && IsAtOrBehind(frame.Segment.StreamStart, tcp.SecondaryFin);
        bool isReset = tcp.Has(TcpFlags.RstPending) && IsAtOrBehind(frame.Segment.StreamStart, tcp.SecondaryRst + tcp.Shift);
        int offset = (int)(frame.Segment.StreamStart - frame.Segment.PayloadSequence);
        if (isClosed)
        {
            return Verdict.Diverged(DivergenceReason.Control, offset);
        }

        if (isReset)
        {
            return BehindReset(offset);
        }

        return IsBeforeFirst(in tcp, frame.Segment.StreamStart)
            ? Verdict.Suspect(DivergenceReason.Position, offset)
            : Verdict.Hold(DivergenceReason.Timeout, offset);
    }

    /// <summary>Whether a sequence number is at the end of a stream or behind it. A number farther behind than any window belongs
    /// to another connection, or to none.</summary>
    private static bool IsAtOrBehind(uint position, uint end) => position - end < EngineLimits.MaxWindowBytes;

    /// <summary>Raises the greatest acknowledgment number of one connection.</summary>
    /// <param name="tcp">The state of the flow.</param>
    /// <param name="greatest">The number, valid when <paramref name="isAcked"/> is set.</param>
    /// <param name="isAcked">The flag that is set from the first acknowledgment on.</param>
    /// <param name="ack">The acknowledgment number of a new segment.</param>
    /// <returns>Whether it is greater than all before.</returns>
    private static bool TryRaise(ref TcpState tcp, ref uint greatest, TcpFlags isAcked, uint ack)
    {
        if (tcp.Has(isAcked) && !TcpSequence.After(ack, greatest))
        {
            return false;
        }

        greatest = ack;
        tcp.Set(isAcked);
        return true;
    }

    /// <summary>Whether the secondary has acknowledged, or reported by SACK (RFC 2018), each range of the client's bytes that a
    /// segment of the primary reports: a client may discard them (R2).</summary>
    private bool HasTwinOfSacks(ref Flow flow, TcpSegment segment)
    {
        ref readonly VerifiedRanges sacked = ref flows.Client(ref flow).Sacked;
        int at = 0;
        while (TcpOptionList.TryTakeSackBlock(segment.Options, ref at, out uint start, out uint end))
        {
            if (flow.Tcp.Has(TcpFlags.SecondaryAcked))
            {
                start = TcpSequence.Later(start, flow.Tcp.SecondaryAck);
            }

            if (TcpSequence.Before(start, end) && !sacked.Covers(start, end))
            {
                return false;
            }
        }

        return true;
    }

    private Verdict CompareAck(in TcpState tcp, TcpSegment segment, bool isPure)
    {
        // While the secondary's SYN waits for the primary's, most segments of the primary still belong to the connection before,
        // whose acknowledgment numbers say nothing about those of the next one.
        bool isNext = tcp.Has(TcpFlags.SynPending) && SegmentList.IsBehindSyn(in tcp, segment.Sequence);
        bool isAcked = tcp.Has(isNext ? TcpFlags.NextAcked : TcpFlags.SecondaryAcked);
        uint secondaryAck = isNext ? tcp.NextAck : tcp.SecondaryAck;
        if (!isAcked || TcpSequence.After(segment.Ack, secondaryAck))
        {
            return Verdict.Hold(DivergenceReason.Ack);
        }

        // The secondary's last window is that of its SYN, or of a segment behind it.
        bool isOlder = tcp.Has(TcpFlags.SynPending) && !isNext;
        bool sameMoment = isPure && !isOlder && segment.Ack == secondaryAck;
        return sameMoment && headers.CountWindow(segment.Window, tcp.SecondaryWindow) is { } strict
            ? Verdict.StrictField(strict, FrameRef.None)
            : Verdict.Release;
    }
}
