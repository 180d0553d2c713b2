// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Translate;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Shards;

/// <summary>
/// Follows what clients say on the TCP connections of the guest, and what lies between the numbers of the two replicas: the
/// translation of each connection (R12), and the resets of clients (R13). Also learns the guest's MAC addresses from the
/// primary's frames (R15).
/// </summary>
internal sealed class ClientTracker(FlowTable flows, FlowLifecycle lifecycle, GuestAddresses addresses)
{
    /// <summary>Learns the source address of a frame of the primary.</summary>
    public void Learn(ReadOnlySpan<byte> frame)
    {
        if (frame.Length >= Ethernet.HeaderBytes)
        {
            addresses.Learn(MacAddress.Read(frame[MacAddress.Bytes..]));
        }
    }

    /// <summary>Notes a frame of a replica that is not predicted: the timestamp of a SYN, the guest's address, and a new
    /// connection that the guest opens after the client had reset the last one.</summary>
    public void NoteGuest(ref Flow flow, FrameView frame)
    {
        bool isPrimary = frame.Descriptor.Side == Side.Primary;
        if (isPrimary)
        {
            Learn(frame.Bytes);
        }

        if (frame.Descriptor.Layout.Kind != FrameKind.Tcp)
        {
            return;
        }

        TcpSegment segment = new(frame);
        if (!segment.Opens)
        {
            return;
        }

        if (!segment.Has(Tcp.Ack))
        {
            FlowLifecycle.Reopen(ref flow);
            flows.Client(ref flow).Flags &= ~ClientFlags.NextKnown;
        }

        NoteTimestamp(ref flow, segment, isPrimary);
    }

    /// <summary>The translation from the numbers of the clients, which are the primary's, to the secondary's.</summary>
    public Translation TranslationOf(ref Flow flow)
    {
        ref ClientState client = ref flows.Client(ref flow);
        const ClientFlags Both = ClientFlags.PrimaryTimestamp | ClientFlags.SecondaryTimestamp;
        bool hasTimestamps = client.Flush == flow.Flush && (client.Flags & Both) == Both;
        return new Translation(
            0u - flow.Tcp.Shift, hasTimestamps ? client.SecondaryTimestamp - client.PrimaryTimestamp : 0, hasTimestamps);
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
            FlowLifecycle.Reopen(ref flow);
            client.Next = segment.Sequence + 1;
            client.Flags |= ClientFlags.NextKnown;
            return;
        }

        CatchUp(in flow, ref client);
        if (segment.Resets)
        {
            if (IsAccepted(in flow, in client, segment))
            {
                lifecycle.EndByClient(ref flow);
            }
        }
        else if (client.Has(ClientFlags.NextKnown) && !TcpSequence.After(segment.Sequence, client.Next))
        {
            client.Next = TcpSequence.Later(segment.Next, client.Next);
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

        FlowLifecycle.Reopen(ref flow);
        client.Next = TcpSequence.Earlier(client.Next, segment.Sequence);
    }

    /// <summary>What both replicas have acknowledged is contiguous at both, even if it arrived out of order, or if its frames
    /// took another way.</summary>
    private static void CatchUp(in Flow flow, ref ClientState client)
    {
        const TcpFlags Both = TcpFlags.PrimaryAcked | TcpFlags.SecondaryAcked;
        bool isOpening = flow.Tcp.Has(TcpFlags.SynPending)
            || (flow.Tcp.Has(TcpFlags.PrimarySyn) && !flow.Tcp.Has(TcpFlags.SynMatched));
        if ((flow.Tcp.Flags & Both) != Both || isOpening)
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

    private void NoteTimestamp(ref Flow flow, TcpSegment segment, bool isPrimary)
    {
        ref ClientState client = ref flows.Client(ref flow);
        ClientFlags side = isPrimary ? ClientFlags.PrimaryTimestamp : ClientFlags.SecondaryTimestamp;
        client.Flags &= ~side;
        if (client.Flush != flow.Flush)
        {
            client.Flush = flow.Flush;
            client.Flags &= ~(ClientFlags.PrimaryTimestamp | ClientFlags.SecondaryTimestamp);
        }

        if (segment.TryReadTimestamp(out uint value))
        {
            (isPrimary ? ref client.PrimaryTimestamp : ref client.SecondaryTimestamp) = value;
            client.Flags |= side;
        }
    }
}
