// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Translate;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Shards;

/// <summary>
/// Follows what clients send on the TCP connections of the guest, and which numbers the secondary uses: the translation of each
/// connection (R12, R17), and the resets of clients (R13). Also learns the guest's MAC addresses from the primary's frames (R15).
/// </summary>
internal sealed class ClientTracker(
    FlowTable flows, ShardView view, FlowLifecycle lifecycle, GuestAddresses addresses, InboundCounters counters)
{
    /// <summary>Learns the source address of the first frame of a batch of the primary, and counts when clients use the address,
    /// too. Of each batch one, predicted or not, so that the count does not depend on what was predicted.</summary>
    public void NoteFirst(ReadOnlySpan<byte> frame)
    {
        if (!Learn(frame))
        {
            counters.Count(InboundCount.AddressOfWorld);
        }
    }

    /// <summary>Learns the source address of a frame of the primary.</summary>
    /// <returns>False when clients use the address, too.</returns>
    public bool Learn(ReadOnlySpan<byte> frame) =>
        frame.Length < Ethernet.HeaderBytes || addresses.Learn(MacAddress.Read(frame[MacAddress.Bytes..]));

    /// <summary>Notes a frame of a replica that is not predicted: the timestamp of a SYN, the guest's address, a new connection,
    /// and what the secondary shows of its numbers and of the client's bytes.</summary>
    public void NoteGuest(ref Flow flow, FrameView frame)
    {
        bool isPrimary = frame.Descriptor.Side == Side.Primary;
        if (isPrimary)
        {
            _ = Learn(frame.Bytes);
        }

        if (frame.Descriptor.Layout.Kind != FrameKind.Tcp)
        {
            return;
        }

        TcpSegment segment = new(frame);
        if (segment.Opens)
        {
            NoteSyn(ref flow, segment, isPrimary);
        }
        else if (!isPrimary)
        {
            NoteSecondary(ref flow, segment, frame.Descriptor.Epoch);
        }
    }

    /// <summary>Whether the numbers of the secondary on a connection are known.</summary>
    /// <param name="flow">The flow.</param>
    /// <param name="translation">The translation from the numbers of the clients, which are the primary's, to the secondary's; it
    /// has a meaning only when they are known.</param>
    public SecondaryNumbers NumbersOf(ref Flow flow, out Translation translation)
    {
        ref ClientState client = ref flows.Client(ref flow);
        bool hasTimestamps = (client.Flags & ClientFlags.Timestamps) == ClientFlags.Timestamps;
        translation = new Translation(
            0u - flow.Tcp.Shift, hasTimestamps ? client.SecondaryTimestamp - client.PrimaryTimestamp : 0, hasTimestamps);
        bool isPending = flow.Tcp.IsOpening || flow.Tcp.Has(TcpFlags.ShiftDoubtful);
        return flow.State == FlowState.Untranslated ? SecondaryNumbers.Unknown
            : !isPending ? SecondaryNumbers.Known
            : flow.State is FlowState.Comparing or FlowState.Diverged ? SecondaryNumbers.Pending
            : SecondaryNumbers.Unknown;
    }

    /// <summary>The greatest timestamp that the secondary has sent before a client's frame, which an echo must not exceed; null
    /// when it is not known. It is known while the connection that the guest opens has only its SYN: only then does Linux refuse
    /// a later one (RFC 7323 section 3.2 does not say so).</summary>
    public uint? GreatestTimestamp(ref Flow flow, FrameView client) =>
        client.Descriptor.Layout.Kind == FrameKind.Tcp && new TcpSegment(client).Opens
            ? flows.Client(ref flow).SecondaryTimestamp : null;

    /// <summary>Notes a segment of a client, and ends the connection that it resets.</summary>
    public void NoteClient(ref Flow flow, TcpSegment segment)
    {
        ref ClientState client = ref flows.Client(ref flow);
        if (segment.Opens)
        {
            OpenByClient(ref flow, ref client, segment);
            return;
        }

        CatchUp(in flow, ref client);
        CountBeyond(in flow, segment);
        if (segment.Resets)
        {
            bool ends = IsAccepted(in flow, in client, segment);
            counters.Count(ends ? InboundCount.Reset : InboundCount.BlindReset);
            if (ends)
            {
                lifecycle.EndByClient(ref flow);
            }
        }
        else if (client.Has(ClientFlags.NextKnown))
        {
            NoteBytes(ref flow, ref client, segment);
            NoteClose(ref flow, ref client, segment);
        }
    }

    private static void OpenByClient(ref Flow flow, ref ClientState client, TcpSegment syn)
    {
        client.Flags |= ClientFlags.SynSeen;
        if (client.Has(ClientFlags.Opened) && client.Isn == syn.Sequence)
        {
            return;
        }

        FlowLifecycle.Reopen(ref flow);
        NoteIsn(ref client, syn.Sequence);
        client.Sacked = default;
        client.Flags &= ~ClientFlags.FinSeen;
        client.Flags |= syn.Has(Tcp.Ack) ? ClientFlags.None : ClientFlags.Unanswered;
    }

    private static void NoteIsn(ref ClientState client, uint isn)
    {
        client.Isn = isn;
        client.Next = isn + 1;
        client.Flags |= ClientFlags.Opened | ClientFlags.NextKnown;
    }

    /// <summary>Notes a SYN of a replica, which opens a connection or answers the client's. The client's SYN of a new flow passes
    /// before the flow exists; the answer then contains its number.</summary>
    private static void NoteOpening(ref Flow flow, ref ClientState client, TcpSegment segment, bool isPrimary)
    {
        if (!segment.Has(Tcp.Ack))
        {
            OpenByGuest(ref flow, ref client, segment.Sequence, isPrimary);
            return;
        }

        if (!client.Has(ClientFlags.Opened))
        {
            NoteIsn(ref client, segment.Ack - 1);
        }

        client.Flags &= isPrimary ? ~ClientFlags.Unanswered : ~ClientFlags.None;
    }

    /// <summary>Opens a connection for the guest, unless a replica only repeats its SYN, which the client may have refused. After
    /// a checkpoint the secondary repeats the primary's.</summary>
    private static void OpenByGuest(ref Flow flow, ref ClientState client, uint isn, bool isPrimary)
    {
        bool isRepeated = (client.Has(ClientFlags.PrimaryOpened) && client.PrimaryIsn == isn)
            || (client.Has(ClientFlags.SecondaryOpened) && client.SecondaryIsn == isn);
        (isPrimary ? ref client.PrimaryIsn : ref client.SecondaryIsn) = isn;
        client.Flags |= isPrimary ? ClientFlags.PrimaryOpened : ClientFlags.SecondaryOpened;
        if (!isRepeated)
        {
            FlowLifecycle.Reopen(ref flow);
            FlowLifecycle.LearnTranslation(ref flow);
            client.Flags &= ~(ClientFlags.NextKnown | ClientFlags.Opened | ClientFlags.Unanswered | ClientFlags.FinSeen);
        }
    }

    /// <summary>Notes a segment of a client that the port of a replica did not take: the bytes from there on are not contiguous
    /// at both. A reset that was accepted before this was known is no end of the connection, because one replica has missed the
    /// reset, or bytes before it.</summary>
    public void NoteMissed(ref Flow flow, TcpSegment segment)
    {
        ref ClientState client = ref flows.Client(ref flow);
        if (segment.Next == segment.Sequence && !segment.Resets)
        {
            return;
        }

        FlowLifecycle.Reopen(ref flow, keepsNumbers: true);
        client.Next = TcpSequence.Earlier(client.Next, segment.Sequence);
    }

    /// <summary>What both replicas have acknowledged is contiguous at both, even if it arrived out of order, or if its frames
    /// took another way.</summary>
    private static void CatchUp(in Flow flow, ref ClientState client)
    {
        const TcpFlags Both = TcpFlags.PrimaryAcked | TcpFlags.SecondaryAcked;
        if ((flow.Tcp.Flags & Both) != Both || flow.Tcp.IsOpening || client.Has(ClientFlags.Unanswered))
        {
            return;
        }

        uint acked = TcpSequence.Earlier(flow.Tcp.PrimaryAck, flow.Tcp.SecondaryAck);
        client.Next = client.Has(ClientFlags.NextKnown) ? TcpSequence.Later(acked, client.Next) : acked;
        client.Flags |= ClientFlags.NextKnown;
    }

    /// <summary>Whether the guest accepts a RST: exactly at RCV.NXT (RFC 5961 section 3.2), or, of a connection that the guest
    /// opens, when the RST acknowledges the guest's SYN (RFC 9293 section 3.10.7.3).</summary>
    private static bool IsAccepted(in Flow flow, in ClientState client, TcpSegment reset) =>
        client.Has(ClientFlags.NextKnown)
            ? reset.Sequence == client.Next
            : reset.Has(Tcp.Ack) && flow.Tcp.Has(TcpFlags.PrimarySyn) && reset.Ack == flow.Tcp.PrimaryIsn + 1;

    /// <summary>Notes the client's bytes: whether they continue the contiguous ones, or leave a gap.</summary>
    private static void NoteBytes(ref Flow flow, ref ClientState client, TcpSegment segment)
    {
        bool hasGap = flow.Tcp.Has(TcpFlags.ClientGap);
        if (!TcpSequence.After(segment.Sequence, client.Next))
        {
            client.Next = TcpSequence.Later(segment.Next, client.Next);
            if (hasGap && !TcpSequence.After(client.GapEnd, client.Next))
            {
                flow.Tcp.Clear(TcpFlags.ClientGap);
                flow.RenewPrediction();
            }
        }
        else if (segment.Next != segment.Sequence && flow.IsStream)
        {
            client.GapEnd = hasGap ? TcpSequence.Later(client.GapEnd, segment.Next) : segment.Next;
            flow.Tcp.Set(TcpFlags.ClientGap);
            flow.RenewPrediction();
        }
    }

    /// <summary>
    /// Notes the acknowledgment with which both ends of a connection have closed it: the client has sent a FIN that both replicas
    /// have acknowledged, and acknowledges theirs. A RST after that only answers a segment to a closed connection (RFC 9293
    /// section 3.10.7.1), such as the client's acknowledgment of a FIN that the primary has repeated, and needs no twin.
    /// </summary>
    private static void NoteClose(ref Flow flow, ref ClientState client, TcpSegment segment)
    {
        if (segment.Closes)
        {
            client.Flags |= ClientFlags.FinSeen;
            return;
        }

        ref TcpState tcp = ref flow.Tcp;
        if (client.Has(ClientFlags.FinSeen) && tcp.Has(TcpFlags.FinMatched) && segment.Has(Tcp.Ack)
            && segment.Ack == tcp.PrimaryNext && segment.Sequence == client.Next
            && tcp.PrimaryAck == client.Next && tcp.SecondaryAck == client.Next)
        {
            tcp.Set(TcpFlags.RstMatched);
        }
    }

    /// <summary>Counts what a client says of bytes that the guest has not sent.</summary>
    private void CountBeyond(in Flow flow, TcpSegment segment)
    {
        if (!flow.Tcp.Has(TcpFlags.PrimarySeen) || !segment.Has(Tcp.Ack))
        {
            return;
        }

        if (TcpSequence.After(segment.Ack, flow.Tcp.PrimaryNext))
        {
            counters.Count(InboundCount.AckBeyond);
        }

        int at = 0;
        while (TcpOptionList.TryTakeSackBlock(segment.Options, ref at, out _, out uint end))
        {
            if (TcpSequence.After(end, flow.Tcp.PrimaryNext))
            {
                counters.Count(InboundCount.SackBeyond);
                return;
            }
        }
    }

    /// <summary>Notes a SYN of a replica. The primary's begins a connection whose translation its twin will show; the secondary's
    /// does so only behind a client's SYN, because otherwise the primary's has passed before.</summary>
    private void NoteSyn(ref Flow flow, TcpSegment segment, bool isPrimary)
    {
        ref ClientState client = ref flows.Client(ref flow);
        if (isPrimary || client.Has(ClientFlags.SynSeen))
        {
            FlowLifecycle.LearnTranslation(ref flow);
            client.Flags &= ~ClientFlags.SynSeen;
        }

        NoteOpening(ref flow, ref client, segment, isPrimary);
        NoteTimestamp(ref client, segment, isPrimary);
    }

    private void NoteSecondary(ref Flow flow, TcpSegment segment, uint epoch)
    {
        // A segment from before the stop shows only which numbers the secondary used then.
        if (flow.Tcp.Has(TcpFlags.ShiftDoubtful) && !segment.Resets && epoch == view.Epoch)
        {
            Decide(ref flow, segment.Sequence);
        }

        if (!flow.Tcp.Has(TcpFlags.ClientGap))
        {
            return;
        }

        ref ClientState client = ref flows.Client(ref flow);
        int at = 0;
        while (TcpOptionList.TryTakeSackBlock(segment.Options, ref at, out uint start, out uint end))
        {
            if (TcpSequence.Before(start, end))
            {
                client.Sacked.Add(start, end);
            }
        }
    }

    /// <summary>Decides, after a checkpoint was broken off, which numbers the secondary uses: those that are nearer to the
    /// primary's last segment (R17).</summary>
    private void Decide(ref Flow flow, uint sequence)
    {
        ref TcpState tcp = ref flow.Tcp;
        tcp.Clear(TcpFlags.ShiftDoubtful);
        bool isKnown = tcp.Has(TcpFlags.PrimarySeen);
        bool isCopy = isKnown
            && TcpSequence.Distance(sequence, tcp.PrimaryNext) < TcpSequence.Distance(sequence + tcp.Shift, tcp.PrimaryNext);
        if (isCopy)
        {
            tcp.Shift = 0;
            flows.ForgetTimestamps(ref flow);
        }

        flow.RenewPrediction();
    }

    private static void NoteTimestamp(ref ClientState client, TcpSegment segment, bool isPrimary)
    {
        ClientFlags side = isPrimary ? ClientFlags.PrimaryTimestamp : ClientFlags.SecondaryTimestamp;
        client.Flags &= ~side;
        if (segment.TryReadTimestamp(out uint value))
        {
            (isPrimary ? ref client.PrimaryTimestamp : ref client.SecondaryTimestamp) = value;
            client.Flags |= side;
        }
    }
}

/// <summary>What is known of the secondary's numbers on a connection.</summary>
internal enum SecondaryNumbers : byte
{
    /// <summary>The translation is known.</summary>
    Known,

    /// <summary>The next segment of the secondary, or a checkpoint, will show them.</summary>
    Pending,

    /// <summary>Only a checkpoint or a new connection makes them known (R17).</summary>
    Unknown,
}
