// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using ColoWire.Simulation.World;

namespace ColoWire.Simulation.Guests;

/// <summary>The numbers that a replica uses on a connection.</summary>
/// <param name="Connection">Number of the connection, of those that use the flow's ports one after another.</param>
/// <param name="Isn">Its initial sequence number.</param>
/// <param name="ClockOffset">What its timestamp clock adds to the world's time.</param>
internal readonly record struct ReplicaNumbers(int Connection, uint Isn, uint ClockOffset);

/// <content>What a replica reads from the bytes of clients' segments, in its own numbers.</content>
internal sealed partial class TcpSpeaker
{
    /// <summary>An acknowledgment that is older than any window is not acceptable (RFC 5961 section 5.2).</summary>
    private const int OldestAckBytes = 2 * 65_535;

    /// <summary>A replica's end of a TCP flow.</summary>
    public static TcpSpeaker Of(Guest guest, int flow) => (TcpSpeaker)guest.Speakers[flow];

    public ReplicaNumbers Numbers => new(tcp.Connection, tcp.Isn, guest.ClockOffset);

    /// <summary>The guest opens a connection.</summary>
    public void Open(TcpScript script)
    {
        Begin(script);
        tcp.FirstTimestamp = guest.Timestamp;
        SendWithin(guest.Pace());
        Wake();
    }

    /// <summary>Reads a segment of the client. What is not acceptable is acknowledged, and changes nothing.</summary>
    public void Read(TcpScript script, in WireSegment wire)
    {
        if (script.IsMidStream && script.Connection > tcp.Connection)
        {
            Begin(script);
        }

        int start = unchecked((int)(wire.Sequence - script.ClientIsn));
        int ack = wire.HasAck ? unchecked((int)(wire.Ack - tcp.Isn)) : 0;
        bool isOwn = script.Connection == tcp.Connection;
        if (wire.Rst)
        {
            HearReset(isOwn, start, ack, wire.HasAck);
            return;
        }

        if (isOwn && !tcp.IsReset && wire.HasAck && !IsAcceptable(ack, in wire))
        {
            AcknowledgeWithin(guest.Random.NextInt64(Scheduler.Ms));
            Wake();
            return;
        }

        Hear(new ClientSegment(script, wire.Syn ? 0 : start, start + wire.Length, ack, wire.Syn, wire.Window));
        if (script.Connection == tcp.Connection && wire.Timestamp != 0)
        {
            tcp.Echo = wire.Timestamp;
        }
    }

    /// <summary>A RST is accepted exactly at RCV.NXT; one beside that in the window is answered by an acknowledgment (RFC 5961
    /// section 3.2), and one of a connection that the guest opens when it acknowledges the SYN (RFC 9293 section
    /// 3.10.7.3).</summary>
    private void HearReset(bool isOwn, int start, int ack, bool hasAck)
    {
        if (!isOwn || tcp.IsReset || tcp.IsSilent)
        {
            return;
        }

        if (tcp.Heard == 0 ? hasAck && ack == 1 : start == tcp.Heard)
        {
            tcp.IsReset = true;
            tcp.SendNs = tcp.AckNs = tcp.RetryNs = Scheduler.Never;
            guest.NoteReset?.Invoke(flow, tcp.Connection);
        }
        else if (tcp.Heard != 0 && start > tcp.Heard)
        {
            AcknowledgeWithin(guest.Random.NextInt64(Scheduler.Ms));
            Wake();
        }
    }

    /// <summary>Whether an acknowledgment number is one that this replica may receive (RFC 9293 section 3.10.7.4), and, of a
    /// connection that it opens, the echoed timestamp one that it has sent (Linux: tcp_rcv_synsent_state_process).</summary>
    private bool IsAcceptable(int ack, in WireSegment wire)
    {
        bool isOpening = tcp.Heard == 0;
        bool isEchoKnown = wire.Echo == 0
            || (TcpOffset(wire.Echo, tcp.FirstTimestamp) >= 0 && TcpOffset(wire.Echo, guest.Timestamp) <= 0);
        return isOpening ? ack == 1 && isEchoKnown : ack <= tcp.Most && ack >= tcp.Unacked - OldestAckBytes;
    }

    private static int TcpOffset(uint number, uint from) => unchecked((int)(number - from));

    private byte[] OwnOptions(bool syn)
    {
        byte[] offer = syn ? [2, 4, 5, 0xB4, 4, 2, 1, 1] : [];
        if (!tcp.Script!.HasTimestamps)
        {
            return offer;
        }

        byte[] timestamps = [1, 1, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0];
        BinaryPrimitives.WriteUInt32BigEndian(timestamps.AsSpan(4), guest.Timestamp);
        BinaryPrimitives.WriteUInt32BigEndian(timestamps.AsSpan(8), tcp.Echo);
        return [.. offer, .. timestamps];
    }
}
