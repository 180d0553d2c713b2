// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using System.Linq;
using System.Runtime.Intrinsics;

namespace ColoWire.Benchmarks.Widths;

/// <summary>The width of the vectors with which the engine compares and sums. The runtime decides at its start which is the
/// widest.</summary>
/// <param name="Bits">The length of a vector in bits; 0: the runtime uses no vectors, and all loops are scalar.</param>
/// <param name="Switch">The environment variable that, when it is 0, forbids wider vectors (clrconfignames.h of .NET 10:
/// "EnableAVX512", which was "EnableAVX512F" in .NET 8, "EnableAVX2", "EnableHWIntrinsic"); null: the CPU's widest.</param>
internal sealed record VectorWidth(int Bits, string? Switch)
{
    private static readonly VectorWidth[] Narrower =
        [new(256, "DOTNET_EnableAVX512"), new(128, "DOTNET_EnableAVX2"), new(0, "DOTNET_EnableHWIntrinsic")];

    /// <summary>The widest vectors of this process, in bits.</summary>
    public static int CurrentBits =>
        Vector512.IsHardwareAccelerated ? 512 : Vector256.IsHardwareAccelerated ? 256 : Vector128.IsHardwareAccelerated ? 128 : 0;

    /// <summary>Its name in rows.</summary>
    public string Name => Bits == 0 ? "no vectors" : $"{Bits}-bit vectors";

    /// <summary>The widths that this machine has, the widest first.</summary>
    public static IReadOnlyList<VectorWidth> All() =>
        [new VectorWidth(CurrentBits, Switch: null), .. Narrower.Where(width => width.Bits < CurrentBits)];
}
