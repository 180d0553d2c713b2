// SPDX-License-Identifier: GPL-2.0-or-later

using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace ColoWire.Engine;

/// <summary>Asks the processor for memory that will be needed soon, where it can be asked (x86: PREFETCHT0).</summary>
internal static unsafe class Prefetch
{
    /// <summary>The cache line that a value begins in. The value may not be one that the collector moves, or may be stale: a hint to a
    /// wrong address costs a cache line and nothing else.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Line<T>(ref readonly T value)
    {
        if (Sse.IsSupported)
        {
            Sse.Prefetch0(Unsafe.AsPointer(ref Unsafe.AsRef(in value)));
        }
    }
}
