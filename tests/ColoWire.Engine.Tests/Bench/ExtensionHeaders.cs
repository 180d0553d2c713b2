// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;

namespace ColoWire.Engine.Tests.Bench;

/// <summary>IPv6 extension headers (RFC 8200 section 4).</summary>
internal static class ExtensionHeaders
{
    public const byte HopByHop = 0;
    public const byte DestinationOptions = 60;

    private const int NetworkHeaderBytes = 40;
    private const int NextHeader = 6;
    private const int PayloadLength = 4;

    /// <summary>
    /// Inserts headers of 8 bytes, which contain only padding, between the IPv6 header of a frame and its payload.
    /// </summary>
    /// <param name="frame">The bytes of the frame.</param>
    /// <param name="tags">The number of its VLAN tags.</param>
    /// <param name="kinds">The kinds of the headers, in order.</param>
    public static byte[] Insert(byte[] frame, int tags, params byte[] kinds)
    {
        int network = 14 + (4 * tags);
        byte[] result = [.. frame];
        for (int i = kinds.Length - 1; i >= 0; i--)
        {
            byte next = result[network + NextHeader];
            result[network + NextHeader] = kinds[i];
            int length = network + PayloadLength;
            ushort longer = (ushort)(BinaryPrimitives.ReadUInt16BigEndian(result.AsSpan(length)) + 8);
            BinaryPrimitives.WriteUInt16BigEndian(result.AsSpan(length), longer);
            int payload = network + NetworkHeaderBytes;
            result = [.. result[..payload], next, 0, 1, 4, 0, 0, 0, 0, .. result[payload..]];
        }

        return result;
    }
}
