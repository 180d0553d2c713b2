// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;

namespace ColoWire.TwinMaker;

/// <summary>The ones' complement sum of RFC 1071.</summary>
internal static class InternetChecksum
{
    public static uint Add(uint sum, ReadOnlySpan<byte> bytes)
    {
        for (; bytes.Length >= 2; bytes = bytes[2..])
            sum += BinaryPrimitives.ReadUInt16BigEndian(bytes);
        return bytes.Length == 1 ? sum + ((uint)bytes[0] << 8) : sum;
    }

    public static ushort Finish(uint sum)
    {
        while (sum > ushort.MaxValue)
            sum = (sum & ushort.MaxValue) + (sum >> 16);
        return (ushort)~sum;
    }
}
