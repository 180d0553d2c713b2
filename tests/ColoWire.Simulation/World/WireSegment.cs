// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using ColoWire.Engine.Tests.Bench;

namespace ColoWire.Simulation.World;

/// <summary>A TCP segment as its receiver reads it from the bytes of a frame, without any code of the engine.</summary>
internal readonly record struct WireSegment
{
    private const int Fin = 1;
    private const int SynFlag = 2;
    private const int RstFlag = 4;
    private const int AckFlag = 16;
    private const int TimestampsKind = 8;

    private WireSegment(ReadOnlySpan<byte> tcp)
    {
        Sequence = BinaryPrimitives.ReadUInt32BigEndian(tcp[4..]);
        Ack = BinaryPrimitives.ReadUInt32BigEndian(tcp[8..]);
        byte flags = tcp[13];
        (Syn, Rst, HasAck) = ((flags & SynFlag) != 0, (flags & RstFlag) != 0, (flags & AckFlag) != 0);
        Window = BinaryPrimitives.ReadUInt16BigEndian(tcp[14..]);
        int headerBytes = (tcp[12] >> 4) * 4;
        Length = tcp.Length - headerBytes + (Syn ? 1 : 0) + (flags & Fin);
        (Timestamp, Echo) = Timestamps(tcp[20..headerBytes]);
    }

    public uint Sequence { get; }

    public uint Ack { get; }

    public bool HasAck { get; }

    public bool Syn { get; }

    public bool Rst { get; }

    public int Window { get; }

    /// <summary>Number of sequence numbers that it takes: its bytes, and one each for SYN and FIN.</summary>
    public int Length { get; }

    /// <summary>The sender's timestamp; 0 without the option.</summary>
    public uint Timestamp { get; }

    /// <summary>The echoed timestamp; 0 without the option.</summary>
    public uint Echo { get; }

    /// <summary>Reads the segment of a frame.</summary>
    /// <returns>False when its checksum is wrong: the receiver drops it.</returns>
    public static bool TryRead(byte[] frame, out WireSegment segment)
    {
        int network = 14;
        while (BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(network - 2)) is 0x8100 or 0x88A8)
        {
            network += 4;
        }

        bool isIpv4 = frame[network] >> 4 == 4;
        int transport = network + (isIpv4 ? (frame[network] & 15) * 4 : 40);
        int end = isIpv4
            ? network + BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(network + 2))
            : transport + BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(network + 4));
        byte[] addresses = isIpv4 ? frame[(network + 12)..(network + 20)] : frame[(network + 8)..(network + 40)];
        int length = end - transport;
        byte[] tcp = frame[transport..end];
        segment = new WireSegment(tcp);
        return Checksums.Sum([.. addresses, 0, 6, (byte)(length >> 8), (byte)length, .. tcp]) == 0xFFFF;
    }

    private static (uint Timestamp, uint Echo) Timestamps(ReadOnlySpan<byte> options)
    {
        for (int at = 0; at < options.Length; at += options[at] == 1 ? 1 : options[at + 1])
        {
            if (options[at] == TimestampsKind)
            {
                ReadOnlySpan<byte> option = options[at..];
                return (BinaryPrimitives.ReadUInt32BigEndian(option[2..]), BinaryPrimitives.ReadUInt32BigEndian(option[6..]));
            }
        }

        return (0, 0);
    }
}
