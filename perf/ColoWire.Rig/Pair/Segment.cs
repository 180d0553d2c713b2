// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;

namespace ColoWire.Rig.Pair;

/// <summary>A TCP segment over IPv4 in a capture.</summary>
/// <param name="TimeNs">When the kernel captured it, in nanoseconds.</param>
/// <param name="Connection">The connection, from the client's view.</param>
/// <param name="IsGuest">Whether the guest sent it; otherwise the client did.</param>
/// <param name="Identification">Identification in the IPv4 header.</param>
/// <param name="Sequence">Sequence number.</param>
/// <param name="Length">Bytes of the payload.</param>
/// <param name="Ack">Acknowledgment number.</param>
/// <param name="Flags">Flags, as the header has them (RFC 9293 section 3.1).</param>
internal readonly record struct Segment(
    long TimeNs, Connection Connection, bool IsGuest, ushort Identification, uint Sequence, int Length, uint Ack, byte Flags)
{
    private const int EthernetBytes = 14;
    private const int LeastIpBytes = 20;
    private const int LeastTcpBytes = 20;
    private const ushort IpVersion4 = 0x0800;
    private const byte TcpProtocol = 6;
    private const ushort FragmentMask = 0x3FFF;
    private const byte Fin = 1;
    private const byte Syn = 2;
    private const byte Rst = 4;

    /// <summary>Whether it opens a connection, in either direction.</summary>
    public bool Opens => (Flags & Syn) != 0;

    /// <summary>Whether it resets the connection.</summary>
    public bool Resets => (Flags & Rst) != 0;

    /// <summary>The sequence number after it; SYN and FIN count 1 each.</summary>
    public uint End => Sequence + (uint)Length + (Opens ? 1u : 0) + ((Flags & Fin) != 0 ? 1u : 0);

    /// <summary>What the frame on outdev has in common with the one that the primary sent, even if its acknowledgment, its window
    /// or its checksum was changed between.</summary>
    public (Connection Connection, ushort Identification, uint Sequence, int Length, byte Flags) Identity =>
        (Connection, Identification, Sequence, Length, Flags);

    /// <summary>Reads a frame.</summary>
    /// <param name="frame">The frame, of which the end may be missing.</param>
    /// <param name="timeNs">When it was captured, in nanoseconds.</param>
    /// <param name="guest">The guest's IPv4 address, in host byte order.</param>
    /// <param name="segment">The segment.</param>
    /// <returns>False when the frame is none of TCP over IPv4 between the guest and a client, or is a fragment.</returns>
    public static bool TryRead(ReadOnlySpan<byte> frame, long timeNs, uint guest, out Segment segment)
    {
        segment = default;
        if (frame.Length < EthernetBytes + LeastIpBytes || BinaryPrimitives.ReadUInt16BigEndian(frame[12..]) != IpVersion4)
        {
            return false;
        }

        ReadOnlySpan<byte> ip = frame[EthernetBytes..];
        int ipBytes = (ip[0] & 0xF) * 4;
        bool isWhole = (BinaryPrimitives.ReadUInt16BigEndian(ip[6..]) & FragmentMask) == 0;
        if (ip[9] != TcpProtocol || !isWhole || ip.Length < ipBytes + LeastTcpBytes)
        {
            return false;
        }

        uint source = BinaryPrimitives.ReadUInt32BigEndian(ip[12..]);
        uint destination = BinaryPrimitives.ReadUInt32BigEndian(ip[16..]);
        bool isGuest = source == guest;
        if (!isGuest && destination != guest)
        {
            return false;
        }

        ReadOnlySpan<byte> tcp = ip[ipBytes..];
        ushort sourcePort = BinaryPrimitives.ReadUInt16BigEndian(tcp);
        ushort destinationPort = BinaryPrimitives.ReadUInt16BigEndian(tcp[2..]);
        segment = new Segment(
            timeNs,
            isGuest
                ? new Connection(destination, destinationPort, sourcePort)
                : new Connection(source, sourcePort, destinationPort),
            isGuest,
            BinaryPrimitives.ReadUInt16BigEndian(ip[4..]),
            BinaryPrimitives.ReadUInt32BigEndian(tcp[4..]),
            BinaryPrimitives.ReadUInt16BigEndian(ip[2..]) - ipBytes - ((tcp[12] >> 4) * 4),
            BinaryPrimitives.ReadUInt32BigEndian(tcp[8..]),
            tcp[13]);
        return true;
    }
}

/// <summary>A connection between a client and the guest.</summary>
/// <param name="Client">The client's IPv4 address, in host byte order.</param>
/// <param name="ClientPort">The client's port.</param>
/// <param name="GuestPort">The guest's port.</param>
internal readonly record struct Connection(uint Client, ushort ClientPort, ushort GuestPort);
