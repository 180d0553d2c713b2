// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using ColoWire.Engine.Wire;

namespace ColoWire.Fuzz.Running;

/// <summary>Checks by the definition of the Internet checksum (RFC 1071) that a partial checksum was completed and nothing else
/// was changed.</summary>
internal static class CompletedChecksum
{
    /// <summary>Whether a frame left unchanged, except that a partial checksum has been completed correctly.</summary>
    public static bool IsRight(ReadOnlySpan<byte> came, ReadOnlySpan<byte> left)
    {
        FrameParser.Parse(came, out FrameLayout layout);
        if (came.Length != left.Length || layout.Kind is not (FrameKind.Tcp or FrameKind.Udp))
        {
            return false;
        }

        int field = layout.TransportOffset + (layout.Kind == FrameKind.Tcp ? 16 : 6);
        if (!came[..field].SequenceEqual(left[..field]) || !came[(field + 2)..].SequenceEqual(left[(field + 2)..]))
        {
            return false;
        }

        int transportBytes = layout.PayloadOffset + layout.PayloadLength - layout.TransportOffset;
        uint pseudo = Sum(layout.IpVersion == 4 ? came.Slice(layout.NetworkOffset + 12, 8) : came.Slice(layout.NetworkOffset + 8, 32))
            + layout.Protocol + (uint)transportBytes;
        ushort was = BinaryPrimitives.ReadUInt16BigEndian(came[field..]);
        return was == Fold(pseudo) && Fold(pseudo + Sum(left.Slice(layout.TransportOffset, transportBytes))) == ushort.MaxValue;
    }

    private static uint Sum(ReadOnlySpan<byte> bytes)
    {
        uint sum = 0;
        for (int i = 0; i < bytes.Length; i += 2)
        {
            sum += (uint)(bytes[i] << 8) | (i + 1 < bytes.Length ? bytes[i + 1] : 0u);
        }

        return Fold(sum);
    }

    private static ushort Fold(uint sum)
    {
        while (sum > ushort.MaxValue)
        {
            sum = (sum & ushort.MaxValue) + (sum >> 16);
        }

        return (ushort)sum;
    }
}
