// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;

namespace ColoWire.TwinMaker;

/// <summary>The fields of an IP header that TwinMaker rewrites; the argument of each method begins with the first byte of the
/// packet.</summary>
internal static class IpHeader
{
    private const int Ipv6HeaderLength = 40;

    public static int Ipv4HeaderLength(ReadOnlySpan<byte> packet) => (packet[0] & 0x0F) * 4;

    public static void SetPacketLength(Span<byte> packet, int length)
    {
        if (packet[0] >> 4 == 4)
            BinaryPrimitives.WriteUInt16BigEndian(packet[2..], (ushort)length);
        else
            BinaryPrimitives.WriteUInt16BigEndian(packet[4..], (ushort)(length - Ipv6HeaderLength));
    }

    public static void SetTimeToLive(Span<byte> packet, byte value) => packet[packet[0] >> 4 == 4 ? 8 : 7] = value;

    public static void SetTrafficClass(Span<byte> packet, byte value)
    {
        if (packet[0] >> 4 == 4)
        {
            packet[1] = value;
            return;
        }

        packet[0] = (byte)((packet[0] & 0xF0) | (value >> 4));
        packet[1] = (byte)((packet[1] & 0x0F) | (value << 4));
    }

    public static ushort Ipv4Identification(ReadOnlySpan<byte> packet) => BinaryPrimitives.ReadUInt16BigEndian(packet[4..]);

    public static void SetIpv4Identification(Span<byte> packet, ushort value) =>
        BinaryPrimitives.WriteUInt16BigEndian(packet[4..], value);
}
