// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Runtime.InteropServices;
using BenchmarkDotNet.Attributes;
using ColoWire.Engine.Wire;

namespace ColoWire.Benchmarks.Micro;

/// <summary>The alignment of two payloads.</summary>
public enum Placement
{
    /// <summary>Both at the beginning of a cache line.</summary>
    Aligned,

    /// <summary>As the payload of an untagged UDP frame begins, and a few bytes further: across cache lines, with different
    /// offsets.</summary>
    Unaligned,
}

/// <summary>
/// Equality of equal bytes: the base class library's code, the engine's, and hand-written loops. 10, 22 and 1458 bytes are the
/// payloads of TCP and UDP frames of 64 bytes, and of UDP frames of 1500 bytes. Each operation is one of a batch of pairs, as in
/// the engine.
/// </summary>
public unsafe class EqualityBenchmarks
{
    private const int Pairs = 16;
    private const int UdpPayloadOffset = 42;
    private const int OutOfStep = 5;
    private const int LineBytes = 64;

    private byte* memory;
    private int stride;
    private int leftOffset;
    private int rightOffset;

    /// <summary>Length of both, in bytes.</summary>
    [Params(10, 22, 64, 256, 1458, 1500, 9000)]
    public int Bytes { get; set; }

    /// <summary>The alignment of both.</summary>
    [Params(Placement.Aligned, Placement.Unaligned)]
    public Placement Placement { get; set; }

    /// <summary>Makes the pairs.</summary>
    [GlobalSetup]
    public void SetUp()
    {
        leftOffset = Placement == Placement.Aligned ? 0 : UdpPayloadOffset;
        rightOffset = Placement == Placement.Aligned ? 0 : UdpPayloadOffset + OutOfStep;
        // One cache line between any two, so that no two begin at the same offset of a page.
        stride = (((Bytes + LineBytes - 1) / LineBytes) + 2) * LineBytes;
        nuint size = (nuint)(2 * Pairs * stride);
        memory = (byte*)NativeMemory.AlignedAlloc(size, LineBytes);
        new Span<byte>(memory, (int)size).Fill(0x5A);
    }

    /// <summary>Frees the memory.</summary>
    [GlobalCleanup]
    public void CleanUp() => NativeMemory.AlignedFree(memory);

    /// <summary>The base class library's equality.</summary>
    [Benchmark(Baseline = true, OperationsPerInvoke = Pairs)]
    public int SequenceEqual()
    {
        int equal = 0;
        for (int i = 0; i < Pairs; i++)
        {
            equal += Left(i).SequenceEqual(Right(i)) ? 1 : 0;
        }

        return equal;
    }

    /// <summary>The base class library's search for the first difference.</summary>
    [Benchmark(OperationsPerInvoke = Pairs)]
    public int CommonPrefixLength()
    {
        int sum = 0;
        for (int i = 0; i < Pairs; i++)
        {
            sum += Left(i).CommonPrefixLength(Right(i));
        }

        return sum;
    }

    /// <summary>The engine's code.</summary>
    [Benchmark(OperationsPerInvoke = Pairs)]
    public int FirstDifference()
    {
        int sum = 0;
        for (int i = 0; i < Pairs; i++)
        {
            sum += ByteEquality.FirstDifference(Left(i), Right(i));
        }

        return sum;
    }

    /// <summary>A byte at a time.</summary>
    [Benchmark(OperationsPerInvoke = Pairs)]
    public int Scalar()
    {
        int equal = 0;
        for (int i = 0; i < Pairs; i++)
        {
            equal += EqualityLoops.Scalar(Left(i), Right(i)) ? 1 : 0;
        }

        return equal;
    }

    /// <summary>Eight bytes at a time.</summary>
    [Benchmark(OperationsPerInvoke = Pairs)]
    public int Words()
    {
        int equal = 0;
        for (int i = 0; i < Pairs; i++)
        {
            equal += EqualityLoops.Words(Left(i), Right(i)) ? 1 : 0;
        }

        return equal;
    }

    /// <summary>16 bytes at a time.</summary>
    [Benchmark(OperationsPerInvoke = Pairs)]
    public int By128()
    {
        int equal = 0;
        for (int i = 0; i < Pairs; i++)
        {
            equal += EqualityLoops.By128(Left(i), Right(i)) ? 1 : 0;
        }

        return equal;
    }

    /// <summary>32 bytes at a time.</summary>
    [Benchmark(OperationsPerInvoke = Pairs)]
    public int By256()
    {
        int equal = 0;
        for (int i = 0; i < Pairs; i++)
        {
            equal += EqualityLoops.By256(Left(i), Right(i)) ? 1 : 0;
        }

        return equal;
    }

    /// <summary>64 bytes at a time.</summary>
    [Benchmark(OperationsPerInvoke = Pairs)]
    public int By512()
    {
        int equal = 0;
        for (int i = 0; i < Pairs; i++)
        {
            equal += EqualityLoops.By512(Left(i), Right(i)) ? 1 : 0;
        }

        return equal;
    }

    /// <summary>256 bytes at a time.</summary>
    [Benchmark(OperationsPerInvoke = Pairs)]
    public int By512Unrolled()
    {
        int equal = 0;
        for (int i = 0; i < Pairs; i++)
        {
            equal += EqualityLoops.By512Unrolled(Left(i), Right(i)) ? 1 : 0;
        }

        return equal;
    }

    private ReadOnlySpan<byte> Left(int pair) => new(memory + (2 * pair * stride) + leftOffset, Bytes);

    private ReadOnlySpan<byte> Right(int pair) => new(memory + (((2 * pair) + 1) * stride) + rightOffset, Bytes);
}
