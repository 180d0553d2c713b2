// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ColoWire.Engine.Wire;

/// <content>Parses regular frames (<see cref="FrameLayout.IsRegular"/>) without loops over headers.</content>
public static partial class FrameParser
{
    /// <summary>
    /// The minimum length in bytes of a frame whose headers up to the protocol number can be read without further length checks:
    /// two VLAN tags and an IPv4 header.
    /// </summary>
    private const int LeastRegularBytes = Ethernet.HeaderBytes + (EngineLimits.MaxVlanTags * Ethernet.TagBytes)
        + Ipv4.LeastHeaderBytes;

    /// <summary>Parses a regular frame (<see cref="FrameLayout.IsRegular"/>), which nearly every frame is.</summary>
    /// <returns>False for all other frames and for frames inconsistent with their headers; the layout is then
    /// undefined.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static bool TryParseRegular(ReadOnlySpan<byte> frame, out FrameLayout layout)
    {
        Unsafe.SkipInit(out layout);
        // The readers of regular frames load several fields as one word and assume a little-endian processor.
        if (!BitConverter.IsLittleEndian || frame.Length < LeastRegularBytes)
        {
            return false;
        }

        ref readonly byte first = ref MemoryMarshal.GetReference(frame);
        ushort type = Network.UInt16(in first, Ethernet.TypeOffset);
        if (type is Ethernet.TypeVlan or Ethernet.TypeServiceVlan)
        {
            return TryParseTagged(frame, out layout);
        }

        return TryParseNetwork(frame, type, 0, out layout);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool TryParseTagged(ReadOnlySpan<byte> frame, out FrameLayout layout)
    {
        ref readonly byte first = ref MemoryMarshal.GetReference(frame);
        int tags = 0;
        ushort type;
        do
        {
            tags++;
            type = Network.UInt16(in first, Ethernet.TypeOffset + (tags * Ethernet.TagBytes));
        }
        while (type is Ethernet.TypeVlan or Ethernet.TypeServiceVlan && tags < EngineLimits.MaxVlanTags);

        bool isRegular = TryParseNetwork(frame, type, tags * Ethernet.TagBytes, out layout);
        layout.VlanTags = (byte)tags;
        return isRegular;
    }

    /// <summary>Parses a frame from its network header.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool TryParseNetwork(ReadOnlySpan<byte> frame, ushort type, int tagBytes, out FrameLayout layout)
    {
        ref readonly byte first = ref MemoryMarshal.GetReference(frame);
        int network = Ethernet.HeaderBytes + tagBytes;
        Unsafe.SkipInit(out layout);
        int length;
        byte protocol;
        bool isIpv4 = type == Ethernet.TypeIpv4;
        if (isIpv4)
        {
            bool isRegular = Network.UInt8(in first, network) == Ipv4.PlainVersionAndLength
                && (Network.UInt16(in first, network + Ipv4.FragmentOffset) & (Ipv4.MoreFragments | Ipv4.FragmentOffsetMask))
                == 0;
            length = isRegular ? Network.UInt16(in first, network + Ipv4.TotalLengthOffset) - Ipv4.LeastHeaderBytes : -1;
            protocol = Network.UInt8(in first, network + Ipv4.ProtocolOffset);
        }
        else
        {
            bool isRegular = type == Ethernet.TypeIpv6 && Network.UInt8(in first, network) >> 4 == 6;
            length = isRegular ? Network.UInt16(in first, network + Ipv6.PayloadLengthOffset) : -1;
            protocol = Network.UInt8(in first, network + Ipv6.NextHeaderOffset);
        }

        int transport = network + (isIpv4 ? Ipv4.LeastHeaderBytes : Ipv6.HeaderBytes);
        if (length > frame.Length - transport)
        {
            return false;
        }

        int headerBytes, payloadBytes;
        if (protocol == Protocol.Tcp && length >= Tcp.LeastHeaderBytes)
        {
            layout.BeginRegular(FrameKind.Tcp, Protocol.Tcp);
            headerBytes = (Network.UInt8(in first, transport + Tcp.DataOffsetOffset) >> 4) * sizeof(uint);
            payloadBytes = headerBytes >= Tcp.LeastHeaderBytes ? length - headerBytes : -1;
        }
        else if (protocol == Protocol.Udp && length >= Udp.HeaderBytes)
        {
            layout.BeginRegular(FrameKind.Udp, Protocol.Udp);
            headerBytes = Udp.HeaderBytes;
            int datagramBytes = Network.UInt16(in first, transport + Udp.LengthOffset);
            payloadBytes = datagramBytes <= length ? datagramBytes - Udp.HeaderBytes : -1;
        }
        else
        {
            return false;
        }

        layout.IpVersion = (byte)(isIpv4 ? 4 : 6);
        layout.NetworkOffset = (ushort)network;
        layout.TransportOffset = (ushort)transport;
        layout.PayloadOffset = (ushort)(transport + headerBytes);
        layout.PayloadLength = (ushort)payloadBytes;
        return payloadBytes >= 0;
    }
}
