// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;

namespace ColoWire.Ports.Linux;

/// <summary>What an interface supports of XDP, by the generic netlink family <c>netdev</c> (linux/netdev.h; Linux 6.3).</summary>
internal static class NetdevNetlink
{
    /// <summary>NETDEV_XDP_ACT_BASIC and NETDEV_XDP_ACT_REDIRECT: the driver runs XDP programs, which may redirect frames, also
    /// to sockets.</summary>
    public const ulong RunsAndRedirects = (1 << 0) | (1 << 1);

    /// <summary>NETDEV_XDP_ACT_NDO_XMIT: the interface transmits frames that an XDP program redirects to it.</summary>
    public const ulong SendsRedirected = 1 << 2;

    /// <summary>NETDEV_XDP_ACT_XSK_ZEROCOPY: the driver uses the memory of an AF_XDP socket without a copy.</summary>
    public const ulong SharesMemory = 1 << 3;

    /// <summary>The family that resolves the ids of the others, and its request (GENL_ID_CTRL and CTRL_*,
    /// linux/genetlink.h).</summary>
    private const ushort Controller = 0x10;
    private const byte GetFamily = 3;
    private const ushort FamilyId = 1;
    private const ushort FamilyName = 2;

    private const byte GetDevice = 1;
    private const ushort DeviceIndex = 1;
    private const ushort DeviceXdpFeatures = 3;

    /// <summary>Bytes of <c>struct genlmsghdr</c>.</summary>
    private const int FixedBytes = 4;

    /// <summary>NETDEV_XDP_ACT_* of an interface; null where the kernel does not report it.</summary>
    public static ulong? XdpFeatures(int interfaceIndex)
    {
        using NetlinkSocket socket = new(NetlinkSocket.Generic);
        NetlinkRequest family = new NetlinkRequest(Controller, FixedPart(GetFamily)).Add(FamilyName, "netdev\0"u8);
        ReadOnlySpan<byte> id = Attribute(socket.Ask(family), FamilyId);
        if (id.IsEmpty)
        {
            return null;
        }

        ushort kind = BinaryPrimitives.ReadUInt16LittleEndian(id);
        NetlinkRequest device = new NetlinkRequest(kind, FixedPart(GetDevice)).Add(DeviceIndex, interfaceIndex);
        ReadOnlySpan<byte> features = Attribute(socket.Ask(device), DeviceXdpFeatures);
        return features.IsEmpty ? null : BinaryPrimitives.ReadUInt64LittleEndian(features);
    }

    private static byte[] FixedPart(byte command) => [command, 1, 0, 0];

    private static ReadOnlySpan<byte> Attribute(NetlinkAnswer answer, ushort kind) =>
        answer.Error != 0 || answer.Content.Length < FixedBytes
            ? default
            : NetlinkAnswer.Find(answer.Content.AsSpan(FixedBytes), kind);
}
