// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace ColoWire.Ports.Linux;

/// <summary>Asks the kernel for the attributes of an interface by rtnetlink(7).</summary>
internal static class LinkNetlink
{
    /// <summary>The size of <c>struct ifinfomsg</c> in bytes; the interface's index is its second word.</summary>
    public const int FixedBytes = 16;

    private const int IndexAt = 4;

    /// <summary>The message type RTM_GETLINK (linux/rtnetlink.h).</summary>
    private const ushort GetLink = 18;

    /// <summary>The attribute IFLA_ALT_IFNAME (linux/if_link.h).</summary>
    private const ushort AlternativeName = 53;

    /// <summary>The request for the attributes of an interface.</summary>
    public static NetlinkRequest Request(int interfaceIndex) => new(GetLink, FixedPart(interfaceIndex));

    /// <summary>The index of an interface by an alternative name; if_nametoindex(3) takes short names only.</summary>
    /// <returns>Null when there is none.</returns>
    public static int? FindByAlternativeName(string name)
    {
        using NetlinkSocket socket = new(NetlinkSocket.Route);
        NetlinkAnswer answer = socket.Ask(Request(0).Add(AlternativeName, Encoding.ASCII.GetBytes(name + '\0')));
        return answer.Error == 0 ? BinaryPrimitives.ReadInt32LittleEndian(answer.Content.AsSpan(IndexAt)) : null;
    }

    /// <summary>The fixed part of a message about an interface.</summary>
    public static ReadOnlySpan<byte> FixedPart(int interfaceIndex) =>
        MemoryMarshal.AsBytes<int>(new int[] { 0, interfaceIndex, 0, 0 });
}
