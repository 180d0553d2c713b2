// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using ColoWire.Engine.Frames;

namespace ColoWire.Benchmarks.Shards;

/// <summary>The frames of both replicas: of one length, over a number of flows in an order that no prefetcher can
/// predict.</summary>
internal sealed unsafe class Workload
{
    /// <summary>As many slots as a fill ring of AF_XDP has (XSK_RING_PROD__DEFAULT_NUM_DESCS in libxdp's xsk.h): their headers
    /// fit into the caches.</summary>
    public const int CachedFrames = 2048;

    /// <summary>All slots of the default options: they do not fit into a cache, as when a NIC has just written frames to
    /// memory.</summary>
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

    /// <summary>Makes the workload.</summary>
    /// <param name="tcp">Whether the frames are TCP with one stream per flow; otherwise they are UDP.</param>
    /// <param name="flows">Number of flows; a power of two, so that a mask selects the flow.</param>
    /// <param name="frameBytes">Length of a frame in bytes, 60 or more.</param>
    /// <param name="fillRingFrames">Number of slots of each side that are written to in turn; a power of two.</param>
    /// <param name="dress">The properties of the frames; null for untagged IPv4, equal on both sides.</param>
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
        // In a pure acknowledgment the acknowledgment number grows, not the sequence number.
        placeOffset = this.dress.IsPureAck ? headers.AckOffset : headers.SequenceOffset;
        bytesPerTurn = this.dress.IsPureAck ? BytesPerAck : payloadBytes;
    }

    /// <summary>Number of flows at a time.</summary>
    public int Flows { get; }

    /// <summary>Length of the longest frame, in bytes.</summary>
    public int FrameBytes { get; }

    /// <summary>Number of slots of each side that are written to in turn.</summary>
    public int FillRingFrames { get; }

    /// <summary>The frames of a web server: connections from SYN to FIN, of 1 to 20 segments each, over IPv4 and IPv6, with VLAN
    /// tags and without, with timestamps and without.</summary>
    /// <param name="connections">Number of connections open at a time; a power of two.</param>
    /// <param name="frameBytes">Length of a full frame, in bytes.</param>
    public static Workload OfWebServer(int connections, int frameBytes) =>
        new(tcp: true, connections, frameBytes, CachedFrames, dress: null, new WebServer(connections, frameBytes));

    /// <summary>Writes the bytes that are the same in every frame of a side into a slot: differences between the sides, except
    /// those of a web server, then cost nothing during the measurement.</summary>
    /// <param name="frame">The slot's frame.</param>
    /// <param name="side">The side whose frames use the slot.</param>
    public void Fill(Span<byte> frame, Side side)
    {
        // If the secondary's segments have other borders, both halves of a segment have the same bytes.
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

    /// <summary>Turns a filled slot into the frame of a number: writes the flow's address, and in TCP the position in its
    /// stream.</summary>
    /// <param name="frame">First byte of the frame.</param>
    /// <param name="number">The frame's number on its side, from 1.</param>
    /// <param name="side">The side that sends it.</param>
    /// <returns>Length of the frame, in bytes.</returns>
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

    /// <summary>The secondary's first segment is half as long, so that all later ones begin half a segment earlier than the
    /// primary's.</summary>
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

        // Allocated for the lifetime of the process.
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
