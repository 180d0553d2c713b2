// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using System.Numerics;

namespace ColoWire.Benchmarks.Shards;

/// <summary>What both replicas say: frames of one length, over a number of flows in an order that no prefetcher can guess.</summary>
/// <param name="Tcp">TCP with one stream per flow, else UDP.</param>
/// <param name="Flows">How many flows; a power of two, so that a turn is a mask.</param>
/// <param name="FrameBytes">Length of a frame, 64 or more.</param>
internal sealed record Workload(bool Tcp, int Flows, int FrameBytes)
{
    private const int NetworkOffset = 14;
    private const int SourceOffset = NetworkOffset + 12;
    private const int TransportOffset = NetworkOffset + 20;
    private const int SequenceOffset = TransportOffset + 4;
    private const int UdpHeaderBytes = 8;
    private const int TcpHeaderBytes = 20;
    private const byte AckAndPush = 0x18;

    private readonly int[] order = Shuffle(Flows);

    /// <summary>Fills a slot with all that is the same in every frame.</summary>
    public void Fill(Span<byte> frame)
    {
        for (int i = 0; i < frame.Length; i++)
        {
            frame[i] = (byte)(i * 7);
        }

        "\x52\x54\0\0\0\x02\x52\x54\0\0\0\x01\x08\0"u8.CopyTo(frame);
        Span<byte> ip = frame[NetworkOffset..TransportOffset];
        ip.Clear();
        ip[0] = 0x45;
        BinaryPrimitives.WriteUInt16BigEndian(ip[2..], (ushort)(FrameBytes - NetworkOffset));
        ip[8] = 64;
        ip[9] = Tcp ? (byte)6 : (byte)17;
        BinaryPrimitives.WriteUInt32BigEndian(ip[16..], 0xC0A8_0001);
        Span<byte> transport = frame[TransportOffset..];
        transport[..(Tcp ? TcpHeaderBytes : UdpHeaderBytes)].Clear();
        BinaryPrimitives.WriteUInt16BigEndian(transport, 80);
        BinaryPrimitives.WriteUInt16BigEndian(transport[2..], 40_000);
        if (Tcp)
        {
            transport[12] = (TcpHeaderBytes / 4) << 4;
            transport[13] = AckAndPush;
        }
        else
        {
            BinaryPrimitives.WriteUInt16BigEndian(transport[4..], (ushort)(FrameBytes - TransportOffset));
        }
    }

    /// <summary>Makes a filled slot the frame of this number: the flow's address, and in TCP the place in its stream.</summary>
    public void Stamp(Span<byte> frame, long number)
    {
        uint flow = (uint)order[(int)(number & (Flows - 1))];
        BinaryPrimitives.WriteUInt32BigEndian(frame[SourceOffset..], 0x0A00_0000 + flow);
        if (Tcp)
        {
            uint turn = (uint)(number >> BitOperations.Log2((uint)Flows));
            BinaryPrimitives.WriteUInt32BigEndian(frame[SequenceOffset..], turn * (uint)(FrameBytes - TransportOffset - TcpHeaderBytes));
        }
    }

    private static int[] Shuffle(int count)
    {
        if (!BitOperations.IsPow2(count))
        {
            throw new ArgumentOutOfRangeException(nameof(count), count, "a power of two is needed");
        }

        int[] order = new int[count];
        for (int i = 0; i < count; i++)
        {
            order[i] = i;
        }

        new Random(1).Shuffle(order);
        return order;
    }
}
