// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace ColoWire.Ports.Linux;

/// <summary>A message to the kernel (netlink(7)): a header, a fixed part, and attributes, which may be nested.</summary>
internal sealed class NetlinkRequest
{
    /// <summary>Bytes of <c>struct nlmsghdr</c> (linux/netlink.h).</summary>
    public const int HeaderBytes = 16;

    /// <summary>Bytes of <c>struct nlattr</c>: length and type.</summary>
    public const int AttributeHeaderBytes = 4;

    /// <summary>The flag NLA_F_NESTED, and the bits of an attribute's type without flags (NLA_TYPE_MASK).</summary>
    public const ushort Nested = 0x8000;
    public const ushort KindMask = 0x3FFF;

    private const ushort Request = 0x1;
    private const ushort Acknowledge = 0x4;
    private const int LargestBytes = 256;

    private readonly byte[] bytes = new byte[LargestBytes];
    private int length;

    /// <summary>Begins a message that the kernel acknowledges (NLM_F_ACK).</summary>
    public NetlinkRequest(ushort kind, ReadOnlySpan<byte> fixedPart)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(4), kind);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(6), Request | Acknowledge);
        fixedPart.CopyTo(bytes.AsSpan(HeaderBytes));
        length = HeaderBytes + fixedPart.Length;
    }

    /// <summary>Rounds a length up to a multiple of 4 (NLMSG_ALIGN).</summary>
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

    /// <summary>Begins an attribute that contains those that follow.</summary>
    /// <returns>Its position, for <see cref="End"/>.</returns>
    public int Begin(ushort kind)
    {
        int start = length;
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(start + 2), kind);
        length += AttributeHeaderBytes;
        return start;
    }

    /// <summary>Ends an attribute.</summary>
    /// <param name="start">Its position, from <see cref="Begin"/>.</param>
    public NetlinkRequest End(int start)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(start), (ushort)(length - start));
        length = Aligned(length);
        return this;
    }

    /// <summary>The complete message.</summary>
    public ReadOnlySpan<byte> Finish()
    {
        BinaryPrimitives.WriteInt32LittleEndian(bytes, length);
        return bytes.AsSpan(0, length);
    }
}
