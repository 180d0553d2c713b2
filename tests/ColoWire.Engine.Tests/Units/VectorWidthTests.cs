// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using NUnit.Framework;

namespace ColoWire.Engine.Tests.Units;

/// <summary>
/// The engine's loops take the widest vectors that the CPU has, so that one run tests one width alone. <c>tests/run.sh</c> runs these tests
/// once more for each narrower width, tells the runtime not to use wider vectors, and says in <c>COLOWIRE_VECTOR_BITS</c> what it asked for.
/// </summary>
public sealed class VectorWidthTests
{
    private const int Widest = 512;

    private static int AskedBits =>
        int.Parse(Environment.GetEnvironmentVariable("COLOWIRE_VECTOR_BITS") ?? $"{Widest}", CultureInfo.InvariantCulture);

    [Test]
    public void The_vectors_are_as_wide_as_was_asked_for()
    {
        int bits = Vector512.IsHardwareAccelerated ? 512 : Vector256.IsHardwareAccelerated ? 256 : Vector128.IsHardwareAccelerated ? 128 : 0;
        TestContext.Progress.WriteLine($"vectors of {bits} bits; {AskedBits} were allowed");
        Assert.That(bits, Is.EqualTo(Math.Min(AskedBits, CpuBits())));
    }

    /// <summary>Of .NET's requirements for each width those that CPUs came to have last.</summary>
    private static int CpuBits()
    {
        if (RuntimeInformation.ProcessArchitecture != Architecture.X64)
        {
            return 128;
        }

        string flags = File.ReadLines("/proc/cpuinfo").First(line => line.StartsWith("flags", StringComparison.Ordinal));
        string[] words = flags.Split(' ');
        return words.Contains("avx512vl") && words.Contains("avx512bw") ? Widest : words.Contains("avx2") ? 256 : 128;
    }
}
