// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using System.Globalization;

namespace ColoWire.Wire.Tests.Live;

/// <summary>
/// Names the flow of a frame: VLANs, addresses, protocol, ports. Written for the fixtures' frames and apart from the engine's
/// parser, which it is to catch.
/// </summary>
internal static class FrameFlow
{
    private const int TypeOffset = 12;
    private const int Ipv4HeaderBytes = 20;
    private const int Ipv6HeaderBytes = 40;

    public static string Of(ReadOnlySpan<byte> frame)
    {
        int offset = TypeOffset;
        string vlans = string.Empty;
        while (Word(frame, offset) is 0x8100 or 0x88A8)
        {
            vlans += string.Create(CultureInfo.InvariantCulture, $"vlan {Word(frame, offset + 2) & 0xFFF} ");
            offset += 4;
        }

        int type = Word(frame, offset);
        ReadOnlySpan<byte> packet = frame[(offset + 2)..];
        return vlans + type switch
        {
            0x0800 => OfIpv4(packet),
            0x86DD => OfIpv6(packet),
            _ => string.Create(CultureInfo.InvariantCulture, $"type {type:x4}"),
        };
    }

    private static string OfIpv4(ReadOnlySpan<byte> packet)
    {
        int headerBytes = (packet[0] & 0xF) * 4;
        bool isFragment = (Word(packet, 6) & 0x3FFF) != 0;
        ReadOnlySpan<byte> addresses = packet[12..Ipv4HeaderBytes];
        return Name(addresses, packet[9], isFragment, packet[headerBytes..]);
    }

    private static string OfIpv6(ReadOnlySpan<byte> packet)
    {
        int protocol = packet[6];
        int offset = Ipv6HeaderBytes;
        bool isFragment = false;
        // Hop-by-hop, routing, fragment and destination options (RFC 8200); a later fragment's bytes are no further headers.
        while (!isFragment && protocol is 0 or 43 or 44 or 60)
        {
            isFragment = protocol == 44 && (Word(packet, offset + 2) & 0xFFF9) != 0;
            int bytes = protocol == 44 ? 8 : (packet[offset + 1] + 1) * 8;
            protocol = packet[offset];
            offset += bytes;
        }

        return Name(packet[8..Ipv6HeaderBytes], protocol, isFragment, packet[offset..]);
    }

    private static string Name(ReadOnlySpan<byte> addresses, int protocol, bool isFragment, ReadOnlySpan<byte> payload)
    {
        bool hasPorts = protocol is 6 or 17 && !isFragment;
        string ports = hasPorts
            ? string.Create(CultureInfo.InvariantCulture, $" {Word(payload, 0)} > {Word(payload, 2)}")
            : string.Empty;
        string fragment = isFragment ? " fragments" : string.Empty;
        return string.Create(
            CultureInfo.InvariantCulture, $"{Convert.ToHexString(addresses)} protocol {protocol}{fragment}{ports}");
    }

    private static int Word(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt16BigEndian(bytes[offset..]);
}
