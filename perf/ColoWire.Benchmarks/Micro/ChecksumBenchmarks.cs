// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using BenchmarkDotNet.Attributes;
using ColoWire.Engine.Wire;

namespace ColoWire.Benchmarks.Micro;

/// <summary>
/// The sum over a segment whose guest has left its checksum to a NIC: the engine's code, and a hand-written loop of 8 bytes. 20
/// bytes are a bare acknowledgment, 1480 a full frame, 65,000 a frame of a guest with segmentation offload.
/// </summary>
public class ChecksumBenchmarks
{
    private const int TransportOffset = 34;

    private byte[] frame = [];

    /// <summary>Length of the segment, in bytes.</summary>
    [Params(20, 64, 256, 1480, 65_000)]
    public int Bytes { get; set; }

    /// <summary>Makes the frame.</summary>
    [GlobalSetup]
    public void SetUp()
    {
        frame = new byte[TransportOffset + Bytes];
        new Random(1).NextBytes(frame);
    }

    /// <summary>The engine's code.</summary>
    [Benchmark(Baseline = true)]
    public ushort RawSum() => InternetChecksum.RawSum(frame.AsSpan(TransportOffset));

    /// <summary>The hand-written loop.</summary>
    [Benchmark]
    public ushort EightBytesByHand()
    {
        ReadOnlySpan<byte> rest = frame.AsSpan(TransportOffset);
        ulong sum = 0;
        for (; rest.Length >= sizeof(ulong); rest = rest[sizeof(ulong)..])
        {
            ulong words = BinaryPrimitives.ReadUInt64LittleEndian(rest);
            sum += (uint)words + (words >> 32);
        }

        foreach (byte one in rest)
        {
            sum += one;
        }

        return InternetChecksum.Fold(sum);
    }
}
