// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Text;

namespace ColoWire.Engine.Tests.Bench;

/// <summary>Frames of the scenarios: records with a default for every field, converted to bytes at the end.</summary>
public abstract record Packet
{
    public byte[] Source { get; init; } = [10, 0, 0, 1];

    public byte[] Destination { get; init; } = [10, 0, 0, 99];

    public ushort Id { get; init; }

    public byte Ttl { get; init; } = 64;

    public byte TrafficClass { get; init; }

    public bool DontFragment { get; init; } = true;

    public byte[] IpOptions { get; init; } = [];

    public byte[] MacSource { get; init; } = [2, 0, 0, 0, 0, 1];

    public byte[] MacDestination { get; init; } = [2, 0, 0, 0, 0, 99];

    public ushort[] Vlans { get; init; } = [];

    /// <summary>Length in bytes up to which the frame is padded, as Ethernet requires.</summary>
    public int PadTo { get; init; }

    protected abstract byte Protocol { get; }

    protected abstract byte[] Transport();

    public byte[] Bytes()
    {
        List<byte> frame = [.. MacDestination, .. MacSource];
        for (int i = 0; i < Vlans.Length; i++)
        {
            frame.AddRange(i + 1 < Vlans.Length ? [0x88, 0xA8] : [0x81, 0x00]);
            frame.AddRange([(byte)(Vlans[i] >> 8), (byte)Vlans[i]]);
        }

        byte[] transport = Transport();
        frame.AddRange(Source.Length == 4 ? Ipv4Header(transport.Length) : Ipv6Header(transport.Length));
        frame.AddRange(transport);
        while (frame.Count < PadTo)
        {
            frame.Add(0);
        }

        return [.. frame];
    }

    private byte[] Ipv4Header(int transportBytes)
    {
        int headerBytes = 20 + IpOptions.Length;
        int total = headerBytes + transportBytes;
        byte[] header =
        [
            8, 0, (byte)(0x40 | (headerBytes / 4)), TrafficClass, (byte)(total >> 8), (byte)total, (byte)(Id >> 8), (byte)Id,
            (byte)(DontFragment ? 0x40 : 0), 0, Ttl, Protocol, 0, 0, .. Source, .. Destination, .. IpOptions,
        ];
        return header;
    }

    private byte[] Ipv6Header(int transportBytes) =>
    [
        0x86, 0xDD, (byte)(0x60 | (TrafficClass >> 4)), (byte)(TrafficClass << 4), (byte)(Id >> 8), (byte)Id,
        (byte)(transportBytes >> 8), (byte)transportBytes, Protocol, Ttl, .. Source, .. Destination,
    ];
}

/// <summary>A TCP segment; without payload and without further flags it is a pure acknowledgment.</summary>
public sealed record Segment(uint Sequence, byte[] Payload) : Packet
{
    public ushort SourcePort { get; init; } = 80;

    public ushort DestinationPort { get; init; } = 40000;

    public uint Ack { get; init; } = 5000;

    public bool HasAck { get; init; } = true;

    public bool Syn { get; init; }

    public bool Fin { get; init; }

    public bool Rst { get; init; }

    public bool Psh { get; init; }

    public ushort Window { get; init; } = 1000;

    public ushort Checksum { get; init; } = 0x1234;

    /// <summary>The urgent pointer; URG is set when it is not 0.</summary>
    public ushort UrgentPointer { get; init; }

    public byte[] Options { get; init; } = [];

    protected override byte Protocol => 6;

    protected override byte[] Transport()
    {
        byte[] header = new byte[20 + Options.Length];
        BinaryPrimitives.WriteUInt16BigEndian(header, SourcePort);
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(2), DestinationPort);
        BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(4), Sequence);
        BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(8), HasAck ? Ack : 0);
        header[12] = (byte)((header.Length / 4) << 4);
        header[13] = (byte)(
            (Fin ? 1 : 0) | (Syn ? 2 : 0) | (Rst ? 4 : 0) | (Psh ? 8 : 0) | (HasAck ? 16 : 0) | (UrgentPointer != 0 ? 32 : 0));
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(14), Window);
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(16), Checksum);
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(18), UrgentPointer);
        Options.CopyTo(header, 20);
        return [.. header, .. Payload];
    }

    /// <summary>The same segment with one payload byte changed.</summary>
    public Segment Flipped(int offset)
    {
        byte[] changed = [.. Payload];
        changed[offset] ^= 0xFF;
        return this with { Payload = changed };
    }
}

/// <summary>A UDP datagram.</summary>
public sealed record Datagram(byte[] Payload) : Packet
{
    public Datagram(string payload)
        : this(Encoding.ASCII.GetBytes(payload))
    {
    }

    public ushort SourcePort { get; init; } = 53;

    public ushort DestinationPort { get; init; } = 40000;

    public ushort Checksum { get; init; } = 0x1234;

    protected override byte Protocol => 17;

    protected override byte[] Transport() =>
    [
        (byte)(SourcePort >> 8), (byte)SourcePort, (byte)(DestinationPort >> 8), (byte)DestinationPort,
        (byte)((8 + Payload.Length) >> 8), (byte)(8 + Payload.Length), (byte)(Checksum >> 8), (byte)Checksum, .. Payload,
    ];
}

/// <summary>An ICMP echo reply.</summary>
public sealed record Echo(ushort Identifier, ushort Number, byte[] Data) : Packet
{
    protected override byte Protocol => 1;

    protected override byte[] Transport() =>
    [
        0, 0, 0x12, 0x34, (byte)(Identifier >> 8), (byte)Identifier, (byte)(Number >> 8), (byte)Number, .. Data,
    ];
}

/// <summary>A packet of any protocol over IP.</summary>
public sealed record Other(byte ProtocolNumber, byte[] Payload) : Packet
{
    protected override byte Protocol => ProtocolNumber;

    protected override byte[] Transport() => Payload;
}
