// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using System.Collections.Generic;

namespace ColoWire.TwinMaker.Transformations;

/// <summary>Cuts some UDP and ICMP datagrams into two IP fragments, in either order, as a guest behind a smaller MTU does.</summary>
internal sealed class FragmentDatagrams : ITransformation
{
    private const int Percent = 25;
    private const int Unit = 8;
    private const int Ipv4FragmentField = 6;
    private const ushort Ipv4MoreFragments = 0x2000;
    private const int Ipv6HeaderLength = 40;
    private const int FragmentHeaderLength = 8;
    private const byte FragmentProtocol = 44;

    public string Name => "fragment";

    public void Apply(List<TwinFrame> frames, DeterministicRandom random)
    {
        List<TwinFrame> result = [];
        foreach (TwinFrame frame in frames)
        {
            if (CanBeCut(frame) && random.Chance(Percent))
                result.AddRange(Cut(frame, random));
            else
                result.Add(frame);
        }

        frames.Clear();
        frames.AddRange(result);
    }

    private static bool CanBeCut(TwinFrame frame) =>
        !frame.IsCopied && frame.Layout is { Transport: Transport.Udp or Transport.Icmp or Transport.IcmpV6, IsFragment: false }
        && frame.Layout.IpEnd - frame.Layout.TransportOffset > Unit;

    private static TwinFrame[] Cut(TwinFrame frame, DeterministicRandom random)
    {
        int length = frame.Layout.IpEnd - frame.Layout.TransportOffset;
        int cut = random.Between(1, (length - 1) / Unit) * Unit;
        uint identification = random.Next32();
        TwinFrame[] parts = [Part(frame, 0, cut, identification), Part(frame, cut, length, identification)];
        if (random.Chance(50))
            Array.Reverse(parts);
        return parts;
    }

    private static TwinFrame Part(TwinFrame frame, int start, int end, uint identification)
    {
        FrameLayout layout = frame.Layout;
        bool hasMore = layout.TransportOffset + end < layout.IpEnd;
        int headerLength = layout.IpVersion == 4 ? 0 : FragmentHeaderLength;
        byte[] bytes = new byte[layout.TransportOffset + headerLength + end - start];
        frame.Bytes.AsSpan(0, layout.TransportOffset).CopyTo(bytes);
        frame.Bytes.AsSpan(layout.TransportOffset + start, end - start).CopyTo(bytes.AsSpan(layout.TransportOffset + headerLength));
        Span<byte> packet = bytes.AsSpan(layout.IpOffset);
        IpHeader.SetPacketLength(packet, packet.Length);
        if (layout.IpVersion == 4)
        {
            IpHeader.SetIpv4Identification(packet, (ushort)identification);
            BinaryPrimitives.WriteUInt16BigEndian(packet[Ipv4FragmentField..], (ushort)((hasMore ? Ipv4MoreFragments : 0) | (start / Unit)));
        }
        else
        {
            WriteFragmentHeader(bytes, layout, (ushort)(start | (hasMore ? 1 : 0)), identification);
        }

        TwinFrame part = frame.WithBytes(bytes);
        if (layout.IpVersion == 4)
            RestoreChecksums.RestoreIpv4(part);
        return part;
    }

    private static void WriteFragmentHeader(Span<byte> bytes, FrameLayout layout, ushort field, uint identification)
    {
        Span<byte> header = bytes[layout.TransportOffset..];
        header[0] = (byte)layout.IpProtocol;
        header[1] = 0;
        BinaryPrimitives.WriteUInt16BigEndian(header[2..], field);
        BinaryPrimitives.WriteUInt32BigEndian(header[4..], identification);

        // The header before the fragment header gets 44 as its next header.
        int naming = layout.IpOffset + 6;
        int offset = layout.IpOffset + Ipv6HeaderLength;
        while (offset < layout.TransportOffset)
        {
            naming = offset;
            offset += Unit * (bytes[offset + 1] + 1);
        }

        bytes[naming] = FragmentProtocol;
    }
}
