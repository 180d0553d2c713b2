// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;

namespace ColoWire.Engine.Tests.Bench;

/// <summary>An ICMP error (RFC 792) or ICMPv6 error (RFC 4443) that quotes the beginning of a packet.</summary>
public sealed record IcmpError(byte Type, byte Code, byte[] Quote) : Packet
{
    /// <summary>The four bytes between the checksum and the quote.</summary>
    public byte[] Rest { get; init; } = new byte[4];

    /// <summary>The number by which the checksum is wrong.</summary>
    public int ChecksumError { get; init; }

    protected override byte Protocol => Source.Length == 4 ? (byte)1 : (byte)58;

    /// <summary>The beginning of an untagged or tagged frame's IP packet.</summary>
    /// <param name="frame">The bytes of the frame.</param>
    /// <param name="tags">The number of its VLAN tags.</param>
    /// <param name="count">The number of bytes to quote, if the frame has so many.</param>
    public static byte[] QuoteOf(byte[] frame, int tags, int count)
    {
        int network = 14 + (4 * tags);
        return frame[network..Math.Min(frame.Length, network + count)];
    }

    protected override byte[] Transport()
    {
        byte[] message = [Type, Code, 0, 0, .. Rest, .. Quote];
        byte[] pseudo = Source.Length == 4
            ? [] : [.. Source, .. Destination, 0, 0, (byte)(message.Length >> 8), (byte)message.Length, 0, 0, 0, Protocol];
        ushort checksum = Checksums.Plus((ushort)~Checksums.Sum([.. pseudo, .. message]), ChecksumError);
        BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(2), checksum);
        return message;
    }
}
