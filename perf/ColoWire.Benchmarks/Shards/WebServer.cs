// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ColoWire.Engine.Frames;

namespace ColoWire.Benchmarks.Shards;

/// <summary>
/// The frames of a web server: each connection has a SYN with an acknowledgment, an acknowledgment of the request, 1 to 20
/// segments, a FIN and the acknowledgment of the client's FIN; then another client connects. IP version, VLAN tag and timestamps
/// differ between connections; identification, checksums and timestamps differ between the sides.
/// </summary>
internal sealed unsafe class WebServer
{
    private const int LeastFrameBytes = 60;
    private const int MostSegments = 20;

    /// <summary>Number of frames of a connection before its first segment with data.</summary>
    private const int OpeningSteps = 2;

    /// <summary>Number of frames after its last segment with data.</summary>
    private const int ClosingSteps = 2;

    /// <summary>Number of bytes that are copied into each frame: all headers and the beginning of the payload, because the longer
    /// headers of the slot's previous frame may have overwritten it.</summary>
    private const int TemplateBytes = 128;
    private const int Dresses = 8;
    private const int FirstClientPort = 1024;
    private const int ClientPorts = 60_000;
    private const byte Fin = 0x01;
    private const byte Syn = 0x02;
    private const byte Push = 0x08;
    private const byte Ack = 0x10;

    private readonly int frameBytes;
    private readonly uint lastConnection;
    private readonly HeaderTemplate[] headers = new HeaderTemplate[Dresses];
    private readonly byte* templates = (byte*)NativeMemory.AllocZeroed(Dresses * TemplateBytes);
    private readonly Connection[][] connections;

    /// <summary>Makes the connections.</summary>
    /// <param name="connections">Number of connections open at a time; a power of two.</param>
    /// <param name="frameBytes">Length of a full frame.</param>
    public WebServer(int connections, int frameBytes)
    {
        this.frameBytes = frameBytes;
        lastConnection = (uint)connections - 1;
        this.connections = [new Connection[connections], new Connection[connections]];
        for (int i = 0; i < Dresses; i++)
        {
            Dress dress = new()
            {
                IpVersion = (i & 1) != 0 ? 6 : 4,
                VlanTags = (i & 2) != 0 ? 1 : 0,
                TimestampsDiffer = (i & 4) != 0,
                IdsDiffer = true,
            };
            headers[i] = new HeaderTemplate(tcp: true, dress, frameBytes);
            headers[i].Write(new Span<byte>(templates + (i * TemplateBytes), TemplateBytes));
        }
    }

    /// <summary>Writes the next frame of the next connection.</summary>
    /// <param name="frame">First byte of the slot's frame.</param>
    /// <param name="number">The frame's number on its side.</param>
    /// <param name="side">The side that sends it.</param>
    /// <returns>The frame's length in bytes.</returns>
    public int Stamp(byte* frame, long number, Side side)
    {
        uint client = (uint)number & lastConnection;
        ref Connection connection = ref connections[(int)side][client];
        uint random = Random(client, connection.Number);
        HeaderTemplate layout = headers[random % Dresses];
        Unsafe.CopyBlockUnaligned(frame, templates + (random % Dresses * TemplateBytes), TemplateBytes);
        int segments = 1 + (int)((random >> 8) % MostSegments);
        int payloadBytes = PayloadBytes(connection.Step, segments, random, frameBytes - layout.PayloadOffset);
        *(uint*)(frame + layout.SourceOffset) = BinaryPrimitives.ReverseEndianness(client);
        *(ushort*)(frame + layout.DestinationPortOffset) =
            BinaryPrimitives.ReverseEndianness((ushort)(FirstClientPort + (connection.Number % ClientPorts)));
        *(uint*)(frame + layout.SequenceOffset) = BinaryPrimitives.ReverseEndianness(random + connection.Said);
        *(uint*)(frame + layout.AckOffset) = BinaryPrimitives.ReverseEndianness(random + (uint)connection.Step);
        frame[layout.FlagsOffset] = FlagsOf(connection.Step, segments);
        layout.StampLength(frame, payloadBytes);
        layout.StampIds(frame, number, side);
        if ((random & 4) != 0)
        {
            layout.StampTimestamps(frame, (uint)number, side);
        }

        bool takesANumber = connection.Step == 0 || connection.Step == OpeningSteps + segments;
        connection.Said += (uint)payloadBytes + (takesANumber ? 1u : 0);
        connection.Step++;
        if (connection.Step == OpeningSteps + segments + ClosingSteps)
        {
            connection = new Connection { Number = connection.Number + 1 };
        }

        return Math.Max(LeastFrameBytes, layout.PayloadOffset + payloadBytes);
    }

    /// <summary>The length of a segment's payload: the last segment has a random length, all others are full.</summary>
    private static int PayloadBytes(int step, int segments, uint random, int full) => (step - OpeningSteps) switch
    {
        < 0 => 0,
        int segment when segment < segments - 1 => full,
        int segment when segment == segments - 1 => 1 + (int)((random >> 16) % (uint)full),
        _ => 0,
    };

    private static byte FlagsOf(int step, int segments) => step switch
    {
        0 => Syn | Ack,
        int last when last == OpeningSteps + segments - 1 => Push | Ack,
        int fin when fin == OpeningSteps + segments => Fin | Ack,
        _ => Ack,
    };

    /// <summary>A number that is the same on both sides, and whose bits all depend on the connection.</summary>
    private static uint Random(uint client, uint connection) =>
        BitOperations.Crc32C(BitOperations.Crc32C(1, client), connection);

    /// <summary>The state of one side of the connection with a client.</summary>
    private struct Connection
    {
        /// <summary>Number of this client's connections that have ended.</summary>
        public uint Number;

        /// <summary>Number of frames sent in the current connection.</summary>
        public int Step;

        /// <summary>Number of sequence numbers used in the current connection.</summary>
        public uint Said;
    }
}
