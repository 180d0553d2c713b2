// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace ColoWire.Benchmarks.Shards;

/// <summary>What both replicas say: frames of one length, over a number of flows in an order that no prefetcher can guess.</summary>
/// <param name="tcp">TCP with one stream per flow, else UDP.</param>
/// <param name="flows">How many flows; a power of two, so that a turn is a mask.</param>
/// <param name="frameBytes">Length of a frame, 64 or more.</param>
/// <param name="fillRingFrames">Slots of each side that are written to in turn; a power of two.</param>
internal sealed unsafe class Workload(bool tcp, int flows, int frameBytes, int fillRingFrames = Workload.CachedFrames)
{
    /// <summary>As many slots as a fill ring of AF_XDP has (XSK_RING_PROD__DEFAULT_NUM_DESCS in libxdp's xsk.h): the caches hold their
    /// headers.</summary>
    public const int CachedFrames = 2048;

    /// <summary>All slots that there are by default: no cache holds them, as when a NIC has just written them to memory.</summary>
    public const int UncachedFrames = 16_384;

    private const int NetworkOffset = 14;
    private const int SourceOffset = NetworkOffset + 12;
    private const int TransportOffset = NetworkOffset + 20;
    private const int SequenceOffset = TransportOffset + 4;
    private const int UdpHeaderBytes = 8;
    private const int TcpHeaderBytes = 20;
    private const byte AckAndPush = 0x18;
    private const uint FirstAddress = 0x0A00_0000;

    private readonly uint* addresses = Shuffle(flows);
    private readonly uint lastFlow = (uint)flows - 1;
    private readonly int turnShift = BitOperations.Log2((uint)flows);
    private readonly uint payloadBytes = (uint)(frameBytes - TransportOffset - TcpHeaderBytes);

    /// <summary>How many flows.</summary>
    public int Flows => flows;

    /// <summary>Length of a frame.</summary>
    public int FrameBytes => frameBytes;

    /// <summary>Slots of each side that are written to in turn.</summary>
    public int FillRingFrames => fillRingFrames;

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
        BinaryPrimitives.WriteUInt16BigEndian(ip[2..], (ushort)(frameBytes - NetworkOffset));
        ip[8] = 64;
        ip[9] = tcp ? (byte)6 : (byte)17;
        BinaryPrimitives.WriteUInt32BigEndian(ip[16..], 0xC0A8_0001);
        Span<byte> transport = frame[TransportOffset..];
        transport[..(tcp ? TcpHeaderBytes : UdpHeaderBytes)].Clear();
        BinaryPrimitives.WriteUInt16BigEndian(transport, 80);
        BinaryPrimitives.WriteUInt16BigEndian(transport[2..], 40_000);
        if (tcp)
        {
            transport[12] = (TcpHeaderBytes / 4) << 4;
            transport[13] = AckAndPush;
        }
        else
        {
            BinaryPrimitives.WriteUInt16BigEndian(transport[4..], (ushort)(frameBytes - TransportOffset));
        }
    }

    /// <summary>Makes a filled slot the frame of this number: the flow's address, and in TCP the place in its stream.</summary>
    /// <param name="frame">First byte of the frame.</param>
    /// <param name="number">The frame's number.</param>
    public void Stamp(byte* frame, long number)
    {
        *(uint*)(frame + SourceOffset) = addresses[(uint)number & lastFlow];
        if (tcp)
        {
            uint turn = (uint)(number >> turnShift);
            *(uint*)(frame + SequenceOffset) = BinaryPrimitives.ReverseEndianness(turn * payloadBytes);
        }
    }

    private static uint* Shuffle(int count)
    {
        if (!BitOperations.IsPow2(count))
        {
            throw new ArgumentOutOfRangeException(nameof(count), count, "a power of two is needed");
        }

        // For as long as the process lives.
        uint* addresses = (uint*)NativeMemory.Alloc((nuint)count, sizeof(uint));
        Span<uint> order = new(addresses, count);
        for (int i = 0; i < count; i++)
        {
            order[i] = BinaryPrimitives.ReverseEndianness(FirstAddress + (uint)i);
        }

        new Random(1).Shuffle(order);
        return addresses;
    }
}
