// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Linq;

namespace ColoWire.Engine.Tests.Bench;

/// <summary>Cuts frames into fragments, as a guest's IP stack does.</summary>
public static class FragmentBuilder
{
    private const int AddressesBytes = 12;
    private const int Ipv6HeaderBytes = 40;

    /// <summary>The fragments of a packet, in order.</summary>
    /// <param name="packet">The unfragmented packet.</param>
    /// <param name="id">The identification.</param>
    /// <param name="cuts">Offsets in the IP payload, in bytes, at which a new fragment begins.</param>
    public static byte[][] Cut(Packet packet, uint id, params int[] cuts) => Cut(packet.Bytes(), id, 0, cuts);

    /// <summary>The fragments of a frame, in order.</summary>
    /// <param name="frame">The unfragmented frame, without padding.</param>
    /// <param name="id">The identification.</param>
    /// <param name="extensionBytes">IPv6: length of the extension headers that are repeated in each fragment.</param>
    /// <param name="cuts">Offsets in the rest of the IP payload, in bytes, at which a new fragment begins.</param>
    public static byte[][] Cut(byte[] frame, uint id, int extensionBytes, params int[] cuts)
    {
        int payloadBytes = frame.Length - HeaderBytes(frame, extensionBytes);
        int[] edges = [0, .. cuts, payloadBytes];
        IEnumerable<byte[]> pieces = edges.Zip(edges.Skip(1)).Select(edge =>
            Piece(frame, id, edge.First, edge.Second - edge.First, edge.Second != payloadBytes, extensionBytes));
        return [.. pieces];
    }

    /// <summary>One fragment of a frame, valid or not.</summary>
    public static byte[] Piece(byte[] frame, uint id, int start, int length, bool more, int extensionBytes = 0) =>
        Fragment(frame, id, start, frame.AsSpan(HeaderBytes(frame, extensionBytes) + start, length), more, extensionBytes);

    /// <summary>A fragment with the headers of a frame and another payload.</summary>
    public static byte[] Fragment(byte[] frame, uint id, int start, ReadOnlySpan<byte> payload, bool more, int extensionBytes = 0)
    {
        int network = NetworkOffset(frame);
        int headerBytes = HeaderBytes(frame, extensionBytes);
        byte[] headers = frame[..headerBytes];
        if (frame[network] >> 4 == 4)
        {
            Span<byte> header = headers.AsSpan(network);
            BinaryPrimitives.WriteUInt16BigEndian(header[2..], (ushort)(headerBytes - network + payload.Length));
            BinaryPrimitives.WriteUInt16BigEndian(header[4..], (ushort)id);
            BinaryPrimitives.WriteUInt16BigEndian(header[6..], (ushort)((start / 8) | (more ? 0x2000 : 0)));
            return [.. headers, .. payload];
        }

        // The last header before the fragment header gets 44 as its next header; the fragment header takes over the old value.
        int nextHeader = network + 6;
        for (int at = network + Ipv6HeaderBytes; at < headerBytes; at += (headers[at + 1] + 1) * 8)
        {
            nextHeader = at;
        }

        byte[] fragmentHeader = [headers[nextHeader], 0, 0, 0, 0, 0, 0, 0];
        BinaryPrimitives.WriteUInt16BigEndian(fragmentHeader.AsSpan(2), (ushort)((start & 0xFFF8) | (more ? 1 : 0)));
        BinaryPrimitives.WriteUInt32BigEndian(fragmentHeader.AsSpan(4), id);
        headers[nextHeader] = 44;
        BinaryPrimitives.WriteUInt16BigEndian(headers.AsSpan(network + 4), (ushort)(extensionBytes + fragmentHeader.Length + payload.Length));
        return [.. headers, .. fragmentHeader, .. payload];
    }

    private static int NetworkOffset(byte[] frame)
    {
        int type = AddressesBytes;
        while (frame[type] is 0x81 or 0x88)
        {
            type += 4;
        }

        return type + 2;
    }

    private static int HeaderBytes(byte[] frame, int extensionBytes)
    {
        int network = NetworkOffset(frame);
        return network + (frame[network] >> 4 == 4 ? (frame[network] & 0xF) * 4 : Ipv6HeaderBytes + extensionBytes);
    }
}
