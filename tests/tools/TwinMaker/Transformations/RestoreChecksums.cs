// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using System.Collections.Generic;

namespace ColoWire.TwinMaker.Transformations;

/// <summary>Computes the checksums of what the others changed.</summary>
internal sealed class RestoreChecksums : ITransformation
{
    private const int Ipv4ChecksumOffset = 10;
    private const int TcpChecksumOffset = 16;
    private const int UdpChecksumOffset = 6;
    private const int TcpProtocol = 6;
    private const int UdpProtocol = 17;

    public string Name => "checksums";

    public void Apply(List<TwinFrame> frames, DeterministicRandom random)
    {
        foreach (TwinFrame frame in frames)
        {
            if (frame.NetworkChanged && frame.Layout.IpVersion == 4)
                RestoreIpv4(frame);
            if (frame.TransportChanged && frame.Layout.Transport == Transport.Tcp)
                RestoreTransport(frame, TcpProtocol, TcpChecksumOffset);
            if (frame.TransportChanged && frame.Layout.Transport == Transport.Udp)
                RestoreUdp(frame);
        }
    }

    private static void RestoreIpv4(TwinFrame frame)
    {
        Span<byte> header = frame.Network[..IpHeader.Ipv4HeaderLength(frame.Network)];
        Span<byte> field = header.Slice(Ipv4ChecksumOffset, 2);
        field.Clear();
        BinaryPrimitives.WriteUInt16BigEndian(field, InternetChecksum.Finish(InternetChecksum.Add(0, header)));
    }

    private static void RestoreUdp(TwinFrame frame)
    {
        Span<byte> field = frame.Bytes.AsSpan(frame.Layout.TransportOffset + UdpChecksumOffset, 2);

        // 0 means that the sender computed none; a sum of 0 is therefore sent as its other form.
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

        Span<byte> addresses = layout.IpVersion == 4 ? frame.Network.Slice(12, 8) : frame.Network.Slice(8, 32);
        uint sum = InternetChecksum.Add((uint)(protocol + transport.Length), addresses);
        BinaryPrimitives.WriteUInt16BigEndian(field, InternetChecksum.Finish(InternetChecksum.Add(sum, transport)));
    }
}
