// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace ColoWire.Ports.Xdp;

/// <summary>A message to the kernel (netlink(7)): a header, a fixed part, and attributes that may hold others.</summary>
internal sealed class NetlinkRequest
{
    /// <summary>Bytes of <c>struct nlmsghdr</c> (linux/netlink.h).</summary>
    public const int HeaderBytes = 16;

    /// <summary>Bytes of <c>struct nlattr</c>: length and kind.</summary>
    public const int AttributeHeaderBytes = 4;

    /// <summary>The bits of an attribute's kind that say how it is coded: NLA_F_NESTED, and NLA_F_NET_BYTEORDER.</summary>
    public const ushort Nested = 0x8000;
    public const ushort KindMask = 0x3FFF;

    private const ushort Request = 0x1;
    private const ushort Acknowledge = 0x4;
    private const int LargestBytes = 256;

    private readonly byte[] bytes = new byte[LargestBytes];
    private int length;

    /// <summary>Begins one that will be acknowledged.</summary>
    public NetlinkRequest(ushort kind, ReadOnlySpan<byte> fixedPart)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(4), kind);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(6), Request | Acknowledge);
        fixedPart.CopyTo(bytes.AsSpan(HeaderBytes));
        length = HeaderBytes + fixedPart.Length;
    }

    /// <summary>Lengths are rounded up to a multiple of 4.</summary>
    public static int Aligned(int length) => (length + 3) & ~3;

    /// <summary>Adds an attribute.</summary>
    public NetlinkRequest Add(ushort kind, ReadOnlySpan<byte> value)
    {
        int end = Begin(kind);
        value.CopyTo(bytes.AsSpan(length));
        length += value.Length;
        return End(end);
    }

    /// <summary>Adds an attribute that is a number.</summary>
    public NetlinkRequest Add(ushort kind, int value) => Add(kind, MemoryMarshal.AsBytes(new ReadOnlySpan<int>(in value)));

    /// <summary>Begins an attribute that holds those that follow.</summary>
    /// <returns>What <see cref="End"/> wants to know.</returns>
    public int Begin(ushort kind)
    {
        int start = length;
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(start + 2), kind);
        length += AttributeHeaderBytes;
        return start;
    }

    /// <summary>Ends an attribute.</summary>
    public NetlinkRequest End(int start)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(start), (ushort)(length - start));
        length = Aligned(length);
        return this;
    }

    /// <summary>The message.</summary>
    public ReadOnlySpan<byte> Finish()
    {
        BinaryPrimitives.WriteInt32LittleEndian(bytes, length);
        return bytes.AsSpan(0, length);
    }
}
