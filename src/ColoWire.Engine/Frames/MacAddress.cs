// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;

namespace ColoWire.Engine.Frames;

/// <summary>MAC addresses as numbers: the six bytes, the first one in the highest place (IEEE 802-2014 section 8.2).</summary>
internal static class MacAddress
{
    /// <summary>The length of an address in bytes.</summary>
    public const int Bytes = 6;

    private const ulong Group = 1UL << 40;
    private const ulong LinkLocalMulticast = 0x0180_C200_0000;

    /// <summary>Reads the address in the first six bytes.</summary>
    public static ulong Read(ReadOnlySpan<byte> bytes) =>
        ((ulong)BinaryPrimitives.ReadUInt16BigEndian(bytes) << 32)
        | BinaryPrimitives.ReadUInt32BigEndian(bytes[sizeof(ushort)..]);

    /// <summary>Whether an address denotes a group: a multicast address, or the broadcast address.</summary>
    public static bool IsGroup(ulong address) => (address & Group) != 0;

    /// <summary>Whether an address is one of 01:80:C2:00:00:00 to 0F, whose frames a bridge does not forward (IEEE 802.1Q-2018
    /// table 8-1).</summary>
    public static bool IsLinkLocalMulticast(ulong address) => (address & ~0xFUL) == LinkLocalMulticast;
}
