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
    private readonly bool isCutApart;
    private readonly int placeOffset;
    private readonly uint bytesPerTurn;
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
        isCutApart = this.dress.IsCutApart;
        addresses = Shuffle(flows);
        lastFlow = (uint)flows - 1;
        turnShift = BitOperations.Log2((uint)flows);
        payloadBytes = (uint)(frameBytes - headers.PayloadOffset);
        // An acknowledgment alone goes on by what the other end has sent meanwhile.
        placeOffset = this.dress.IsPureAck ? headers.AckOffset : headers.SequenceOffset;
        bytesPerTurn = this.dress.IsPureAck ? BytesPerAck : payloadBytes;
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

    /// <summary>Fills a slot with all that is the same in every frame of a side: what differs between the sides, but for a web server,
    /// costs nothing while frames are measured.</summary>
    /// <param name="frame">The slot's frame.</param>
    /// <param name="side">Who sends what comes into the slot.</param>
    public void Fill(Span<byte> frame, Side side)
    {
        // Where the secondary cuts apart, a half of a segment says what the other half says.
        int period = dress.IsCutApart ? (int)payloadBytes / 2 : frame.Length;
        for (int i = 0; i < frame.Length; i++)
        {
            frame[i] = (byte)((i < headers.PayloadOffset ? i : (i - headers.PayloadOffset) % period) * 7);
        }

        headers.Write(frame);
        fixed (byte* first = frame)
        {
            if (dress.IdsDiffer)
            {
                headers.StampIds(first, number: 0, side);
            }

            if (dress.TimestampsDiffer)
            {
                headers.StampTimestamps(first, timestamp: 0, side);
            }
        }
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
        if (tcp)
        {
            uint turn = (uint)(number >> turnShift);
            *(uint*)(frame + placeOffset) = BinaryPrimitives.ReverseEndianness(turn * bytesPerTurn);
            if (isCutApart && side == Side.Secondary)
            {
                CutApart(frame, turn, number);
            }
        }

        return FrameBytes;
    }

    /// <summary>The secondary's first segment is half as long: from there on it is half a segment behind.</summary>
    private void CutApart(byte* frame, uint turn, long number)
    {
        uint half = payloadBytes / 2;
        bool isFirst = number <= Flows;
        *(uint*)(frame + headers.SequenceOffset) = BinaryPrimitives.ReverseEndianness((turn * payloadBytes) - (isFirst ? 0 : half));
        headers.StampLength(frame, isFirst ? (int)half : (int)payloadBytes);
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
