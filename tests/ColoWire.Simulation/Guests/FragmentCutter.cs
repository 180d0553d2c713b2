// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using System.Collections.Generic;

namespace ColoWire.Simulation.Guests;

/// <summary>Cuts an IPv4 frame into fragments (RFC 791 section 3.2), at random multiples of 8 bytes.</summary>
internal static class FragmentCutter
{
    private const int EthernetBytes = 14;
    private const int TagBytes = 4;
    private const int IpBytes = 20;
    private const int Unit = 8;

    public static List<byte[]> Cut(byte[] frame, Random random)
    {
        int network = EthernetBytes;
        while (BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(network - 2)) is 0x8100 or 0x88A8)
        {
            network += TagBytes;
        }

        ReadOnlySpan<byte> payload = frame.AsSpan(network + IpBytes);
        List<byte[]> parts = [];
        for (int at = 0; at < payload.Length;)
        {
            int units = random.Next(1, Math.Max(2, (payload.Length / Unit) + 1));
            int count = Math.Min(units * Unit, payload.Length - at);
            byte[] part = [.. frame.AsSpan(0, network + IpBytes), .. payload.Slice(at, count)];
            bool isLast = at + count == payload.Length;
            BinaryPrimitives.WriteUInt16BigEndian(part.AsSpan(network + 2), (ushort)(IpBytes + count));
            BinaryPrimitives.WriteUInt16BigEndian(part.AsSpan(network + 6), (ushort)((isLast ? 0 : 0x2000) | (at / Unit)));
            parts.Add(part);
            at += count;
        }

        return parts;
    }
}
