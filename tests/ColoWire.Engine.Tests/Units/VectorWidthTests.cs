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
/// The engine compares and sums with the widest vectors of the CPU, so that one run tests one width. <c>tests/run.sh</c> runs tests of the
/// engine again for each narrower width: it sets the runtime's variable for that width, and <c>COLOWIRE_VECTOR_BITS</c> to the number of
/// bits that the widest vectors must then have. So a variable that the runtime does not know makes the run fail.
/// </summary>
public sealed class VectorWidthTests
{
    /// <summary>The widest vectors of .NET, in bits.</summary>
    private const int WidestBits = 512;

    private static int AllowedBits =>
        int.Parse(Environment.GetEnvironmentVariable("COLOWIRE_VECTOR_BITS") ?? $"{WidestBits}", CultureInfo.InvariantCulture);

    [Test]
    public void The_vectors_are_as_wide_as_was_asked_for()
    {
        int bits = Vector512.IsHardwareAccelerated ? 512 : Vector256.IsHardwareAccelerated ? 256 : Vector128.IsHardwareAccelerated ? 128 : 0;
        TestContext.Progress.WriteLine($"vectors of {bits} bits; {AllowedBits} were allowed");
        Assert.That(bits, Is.EqualTo(Math.Min(AllowedBits, CpuBits())));
    }

    /// <summary>The widest vectors in bits that .NET uses on this CPU. Of the instruction sets that .NET requires for a width, those are
    /// looked for that CPUs got last.</summary>
    private static int CpuBits()
    {
        if (RuntimeInformation.ProcessArchitecture != Architecture.X64)
        {
            return 128;
        }

        string flags = File.ReadLines("/proc/cpuinfo").First(line => line.StartsWith("flags", StringComparison.Ordinal));
        string[] words = flags.Split(' ');
        return words.Contains("avx512vl") && words.Contains("avx512bw") ? WidestBits : words.Contains("avx2") ? 256 : 128;
    }
}
