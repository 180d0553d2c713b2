// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using BenchmarkDotNet.Attributes;
using ColoWire.Engine;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Wire;

namespace ColoWire.Benchmarks.Micro;

/// <summary>The headers before the transport.</summary>
public enum Carrier
{
    /// <summary>IPv4 without a tag.</summary>
    IPv4,

    /// <summary>IPv6 without a tag.</summary>
    IPv6,

    /// <summary>IPv4 behind one VLAN tag.</summary>
    VlanIPv4,
}

/// <summary>The work from a frame to its bucket: parse the headers, read the key of the flow, hash the key.</summary>
public class ParsingBenchmarks
{
    private const int Frames = 64;
    private const int PayloadBytes = 64;

    private readonly FlowHashKey secret = FlowHashKey.FromSeed(1);
    private readonly byte[][] frames = new byte[Frames][];

    /// <summary>The headers before the transport.</summary>
    [Params(Carrier.IPv4, Carrier.IPv6, Carrier.VlanIPv4)]
    public Carrier Carrier { get; set; }

    /// <summary>Whether the frames are TCP; otherwise they are UDP.</summary>
    [Params(true, false)]
    public bool Tcp { get; set; }

    /// <summary>Makes the frames, each of another flow.</summary>
    [GlobalSetup]
    public void SetUp()
    {
        for (int i = 0; i < Frames; i++)
        {
            frames[i] = Frame((ushort)(40_000 + i));
            FrameParser.Parse(frames[i], out FrameLayout layout);
            if (layout.Kind != (Tcp ? FrameKind.Tcp : FrameKind.Udp) || layout.PayloadLength != PayloadBytes)
            {
                throw new InvalidOperationException($"the frame is {layout.Kind} with {layout.PayloadLength} bytes");
            }
        }
    }

    /// <summary>Parses a frame, reads the key and hashes it.</summary>
    [Benchmark(OperationsPerInvoke = Frames)]
    public uint ParseKeyAndHash()
    {
        uint sum = 0;
        foreach (byte[] frame in frames)
        {
            FrameParser.Parse(frame, out FrameLayout layout);
            FlowKey.Read(frame, in layout, out FlowKey key);
            sum += key.Hash(in secret);
        }

        return sum;
    }

    private byte[] Frame(ushort port)
    {
        byte[] transport = new byte[(Tcp ? 20 : 8) + PayloadBytes];
        BinaryPrimitives.WriteUInt16BigEndian(transport, 80);
        BinaryPrimitives.WriteUInt16BigEndian(transport.AsSpan(2), port);
        if (Tcp)
        {
            transport[12] = 0x50;
            transport[13] = 0x10;
        }
        else
        {
            BinaryPrimitives.WriteUInt16BigEndian(transport.AsSpan(4), (ushort)transport.Length);
        }

        return Carrier switch
        {
            Carrier.IPv4 => [.. new byte[12], 0x08, 0x00, .. Ipv4(transport.Length), .. transport],
            Carrier.IPv6 => [.. new byte[12], 0x86, 0xDD, .. Ipv6(transport.Length), .. transport],
            _ => [.. new byte[12], 0x81, 0x00, 0, 5, 0x08, 0x00, .. Ipv4(transport.Length), .. transport],
        };
    }

    private byte[] Ipv4(int length)
    {
        byte[] header = new byte[20];
        header[0] = 0x45;
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(2), (ushort)(header.Length + length));
        header[8] = 64;
        header[9] = (byte)(Tcp ? 6 : 17);
        BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(12), 0x0A00_0001);
        BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(16), 0x0A00_0002);
        return header;
    }

    private byte[] Ipv6(int length)
    {
        byte[] header = new byte[40];
        header[0] = 0x60;
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(4), (ushort)length);
        header[6] = (byte)(Tcp ? 6 : 17);
        header[7] = 64;
        header[23] = 1;
        header[39] = 2;
        return header;
    }
}
