// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using ColoWire.Engine.Frames;

namespace ColoWire.Benchmarks.Shards;

/// <summary>What both replicas say: frames of one length, over a number of flows in an order that no prefetcher can guess.</summary>
internal sealed unsafe class Workload
{
    /// <summary>As many slots as a fill ring of AF_XDP has (XSK_RING_PROD__DEFAULT_NUM_DESCS in libxdp's xsk.h): the caches hold their
    /// headers.</summary>
    public const int CachedFrames = 2048;

    /// <summary>All slots that there are by default: no cache holds them, as when a NIC has just written them to memory.</summary>
    public const int UncachedFrames = 16_384;

    private const uint FirstAddress = 0x0A00_0000;
    private const uint BytesPerAck = 1460;

    private readonly HeaderTemplate headers;
    private readonly Dress dress;
    private readonly WebServer? server;
    private readonly bool tcp;
    private readonly bool isPlain;
    private readonly uint* addresses;
    private readonly uint lastFlow;
    private readonly int turnShift;
    private readonly uint payloadBytes;

    /// <summary>Makes it.</summary>
    /// <param name="tcp">TCP with one stream per flow, else UDP.</param>
    /// <param name="flows">How many flows; a power of two, so that a turn is a mask.</param>
    /// <param name="frameBytes">Length of a frame, 60 or more.</param>
    /// <param name="fillRingFrames">Slots of each side that are written to in turn; a power of two.</param>
    /// <param name="dress">What the frames bear; none: untagged IPv4, alike on both sides.</param>
    public Workload(bool tcp, int flows, int frameBytes, int fillRingFrames = CachedFrames, Dress? dress = null)
        : this(tcp, flows, frameBytes, fillRingFrames, dress, server: null)
    {
    }

    private Workload(bool tcp, int flows, int frameBytes, int fillRingFrames, Dress? dress, WebServer? server)
    {
        this.tcp = tcp;
        this.dress = dress ?? new Dress();
        this.server = server;
        Flows = flows;
        FrameBytes = frameBytes;
        FillRingFrames = fillRingFrames;
        headers = new HeaderTemplate(tcp, this.dress, frameBytes);
        isPlain = server == null && this.dress == new Dress();
        addresses = Shuffle(flows);
        lastFlow = (uint)flows - 1;
        turnShift = BitOperations.Log2((uint)flows);
        payloadBytes = (uint)(frameBytes - headers.PayloadOffset);
    }

    /// <summary>How many flows there are at a time.</summary>
    public int Flows { get; }

    /// <summary>Length of the longest frame, in bytes.</summary>
    public int FrameBytes { get; }

    /// <summary>Slots of each side that are written to in turn.</summary>
    public int FillRingFrames { get; }

    /// <summary>What a web server sends: connections from SYN to FIN, of 1 to 20 segments each, over IPv4 and IPv6, with VLAN tags and
    /// without, with timestamps and without.</summary>
    /// <param name="connections">How many connections are open at a time; a power of two.</param>
    /// <param name="frameBytes">Length of a full frame.</param>
    public static Workload OfWebServer(int connections, int frameBytes) =>
        new(tcp: true, connections, frameBytes, CachedFrames, dress: null, new WebServer(connections, frameBytes));

    /// <summary>Fills a slot with all that is the same in every frame.</summary>
    public void Fill(Span<byte> frame)
    {
        // Where the secondary cuts apart, a half of a segment says what the other half says.
        int period = dress.IsCutApart ? (int)payloadBytes / 2 : frame.Length;
        for (int i = 0; i < frame.Length; i++)
        {
            frame[i] = (byte)((i < headers.PayloadOffset ? i : (i - headers.PayloadOffset) % period) * 7);
        }

        headers.Write(frame);
    }

    /// <summary>Makes a filled slot the frame of this number: the flow's address, and in TCP the place in its stream.</summary>
    /// <param name="frame">First byte of the frame.</param>
    /// <param name="number">The frame's number on its side, from 1.</param>
    /// <param name="side">Who sends it.</param>
    /// <returns>The length of the frame.</returns>
    public int Stamp(byte* frame, long number, Side side)
    {
        if (server != null)
        {
            return server.Stamp(frame, number, side);
        }

        *(uint*)(frame + headers.SourceOffset) = addresses[(uint)number & lastFlow];
        uint turn = (uint)(number >> turnShift);
        if (tcp)
        {
            *(uint*)(frame + headers.SequenceOffset) = BinaryPrimitives.ReverseEndianness(turn * payloadBytes);
        }

        if (!isPlain)
        {
            StampDress(frame, turn, number, side);
        }

        return FrameBytes;
    }

    private void StampDress(byte* frame, uint turn, long number, Side side)
    {
        if (dress.IdsDiffer)
        {
            headers.StampIds(frame, number, side);
        }

        if (dress.TimestampsDiffer)
        {
            headers.StampTimestamps(frame, turn, side);
        }

        if (dress.IsPureAck)
        {
            *(uint*)(frame + headers.SequenceOffset) = 0;
            *(uint*)(frame + headers.AckOffset) = BinaryPrimitives.ReverseEndianness(turn * BytesPerAck);
        }

        if (dress.IsCutApart && side == Side.Secondary)
        {
            // Its first segment is half as long: from there on it is half a segment behind.
            uint half = payloadBytes / 2;
            bool isFirst = number <= Flows;
            *(uint*)(frame + headers.SequenceOffset) = BinaryPrimitives.ReverseEndianness((turn * payloadBytes) - (isFirst ? 0 : half));
            headers.StampLength(frame, isFirst ? (int)half : (int)payloadBytes);
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
