// SPDX-License-Identifier: GPL-2.0-or-later

using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace ColoWire.Engine;

/// <summary>Prefetches memory that will be needed soon, where the processor supports it (x86: PREFETCHT0).</summary>
internal static unsafe class Prefetch
{
    /// <summary>
    /// Prefetches the cache line of the first byte of a value. The value must not be in memory that the garbage collector moves,
    /// but it may be stale: a hint with a wrong address costs a cache line and nothing else.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Line<T>(ref readonly T value)
    {
        if (Sse.IsSupported)
        {
            Sse.Prefetch0(Unsafe.AsPointer(ref Unsafe.AsRef(in value)));
        }
    }
}
