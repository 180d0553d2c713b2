// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using System.Linq;
using System.Runtime.Intrinsics;

namespace ColoWire.Benchmarks.Widths;

/// <summary>How wide the vectors are that the engine compares and sums with: the runtime is told at its start not to use wider ones.</summary>
/// <param name="Bits">Length of a vector; 0: the runtime has none, and all loops are scalar.</param>
/// <param name="Switch">The environment variable that bounds it (clrconfignames.h of .NET 10, "EnableAVX512", "EnableAVX2",
/// "EnableHWIntrinsic"); null: what the CPU has.</param>
internal sealed record VectorWidth(int Bits, string? Switch)
{
    private static readonly VectorWidth[] Narrower =
        [new(256, "DOTNET_EnableAVX512"), new(128, "DOTNET_EnableAVX2"), new(0, "DOTNET_EnableHWIntrinsic")];

    /// <summary>The widest vectors of this process, in bits.</summary>
    public static int CurrentBits =>
        Vector512.IsHardwareAccelerated ? 512 : Vector256.IsHardwareAccelerated ? 256 : Vector128.IsHardwareAccelerated ? 128 : 0;

    /// <summary>What rows call it.</summary>
    public string Name => Bits == 0 ? "no vectors" : $"{Bits}-bit vectors";

    /// <summary>Those that this machine can be measured with, the widest first.</summary>
    public static IReadOnlyList<VectorWidth> All() =>
        [new VectorWidth(CurrentBits, Switch: null), .. Narrower.Where(width => width.Bits < CurrentBits)];
}
