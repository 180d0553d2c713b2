// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using System.Collections.Generic;

namespace ColoWire.TwinMaker.Transformations;

/// <summary>Computes the checksums of the frames that other transformations changed.</summary>
internal sealed class RestoreChecksums : ITransformation
{
    private const int Ipv4ChecksumOffset = 10;
    private const int TcpChecksumOffset = 16;
    private const int UdpChecksumOffset = 6;
    private const int IcmpChecksumOffset = 2;
    private const int TcpProtocol = 6;
    private const int UdpProtocol = 17;
    private const int IcmpV6Protocol = 58;

    public string Name => "checksums";

    public void Apply(List<TwinFrame> frames, DeterministicRandom random)
    {
        foreach (TwinFrame frame in frames)
            Restore(frame);
    }

    public static void Restore(TwinFrame frame)
    {
        if (frame.NetworkChanged && frame.Layout.IpVersion == 4)
            RestoreIpv4(frame);

        // The checksum of a fragmented datagram covers several frames; it stays as it was.
        if (!frame.TransportChanged || frame.Layout.IsFragment)
            return;
        switch (frame.Layout.Transport)
        {
            case Transport.Tcp:
                RestoreTransport(frame, TcpProtocol, TcpChecksumOffset);
                break;
            case Transport.Udp:
                RestoreUdp(frame);
                break;
            case Transport.Icmp:
                RestoreIcmp(frame);
                break;
            case Transport.IcmpV6:
                RestoreTransport(frame, IcmpV6Protocol, IcmpChecksumOffset);
                break;
        }
    }

    public static void RestoreIpv4(TwinFrame frame)
    {
        Span<byte> header = frame.Network[..IpHeader.Ipv4HeaderLength(frame.Network)];
        Span<byte> field = header.Slice(Ipv4ChecksumOffset, 2);
        field.Clear();
        BinaryPrimitives.WriteUInt16BigEndian(field, InternetChecksum.Finish(InternetChecksum.Add(0, header)));
    }

    private static void RestoreIcmp(TwinFrame frame)
    {
        Span<byte> message = frame.Bytes.AsSpan(frame.Layout.TransportOffset, frame.Layout.PayloadEnd - frame.Layout.TransportOffset);
        Span<byte> field = message.Slice(IcmpChecksumOffset, 2);
        field.Clear();
        BinaryPrimitives.WriteUInt16BigEndian(field, InternetChecksum.Finish(InternetChecksum.Add(0, message)));
    }

    private static void RestoreUdp(TwinFrame frame)
    {
        Span<byte> field = frame.Bytes.AsSpan(frame.Layout.TransportOffset + UdpChecksumOffset, 2);

        // A checksum field of 0 means that there is none, so a computed 0 is sent as 0xFFFF (RFC 768).
        if (BinaryPrimitives.ReadUInt16BigEndian(field) == 0)
            return;
        RestoreTransport(frame, UdpProtocol, UdpChecksumOffset);
        if (BinaryPrimitives.ReadUInt16BigEndian(field) == 0)
            BinaryPrimitives.WriteUInt16BigEndian(field, ushort.MaxValue);
    }

    private static void RestoreTransport(TwinFrame frame, int protocol, int checksumOffset)
    {
        FrameLayout layout = frame.Layout;
        Span<byte> transport = frame.Bytes.AsSpan(layout.TransportOffset, layout.PayloadEnd - layout.TransportOffset);
        Span<byte> field = transport.Slice(checksumOffset, 2);
        field.Clear();
        uint sum = PseudoHeaderSum(frame, protocol);
        BinaryPrimitives.WriteUInt16BigEndian(field, InternetChecksum.Finish(InternetChecksum.Add(sum, transport)));
    }

    /// <summary>Offset of the checksum of a TCP or UDP frame.</summary>
    public static int FieldOffset(TwinFrame frame) =>
        frame.Layout.TransportOffset + (frame.Layout.Transport == Transport.Tcp ? TcpChecksumOffset : UdpChecksumOffset);

    /// <summary>The pseudo-header's sum: addresses, protocol and length.</summary>
    public static uint PseudoHeaderSum(TwinFrame frame, int protocol)
    {
        FrameLayout layout = frame.Layout;
        Span<byte> addresses = layout.IpVersion == 4 ? frame.Network.Slice(12, 8) : frame.Network.Slice(8, 32);
        return InternetChecksum.Add((uint)(protocol + layout.PayloadEnd - layout.TransportOffset), addresses);
    }
}
