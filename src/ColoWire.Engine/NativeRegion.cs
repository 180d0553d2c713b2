// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Runtime.InteropServices;

namespace ColoWire.Engine;

/// <summary>Memory that is taken at the start and kept: zeroed, every page touched, so that no page fault stands on the path of a frame.</summary>
internal sealed unsafe class NativeRegion : IDisposable
{
    /// <summary>The greater of the two page sizes that x86-64 and arm64 commonly have: a region that begins there can be made of them.</summary>
    private const nuint HugePageBytes = 2 << 20;

    private void* start;

    /// <summary>Takes it.</summary>
    /// <param name="byteCount">How many bytes.</param>
    /// <param name="advise">Told of the memory before it is touched; see <see cref="EngineOptions.AdviseMemory"/>.</param>
    public NativeRegion(nuint byteCount, Action<nint, nuint>? advise)
    {
        // On a page's boundary, because AF_XDP takes nothing else (net/xdp/xdp_umem.c, PAGE_ALIGNED): 4 KiB on x86-64, on arm64 what the
        // kernel was built for, up to 64 KiB (Documentation/arch/arm64/memory.rst).
        nuint alignment = byteCount < HugePageBytes ? (nuint)Environment.SystemPageSize : HugePageBytes;
        start = NativeMemory.AlignedAlloc(byteCount, alignment);
        advise?.Invoke((nint)start, byteCount);
        NativeMemory.Clear(start, byteCount);
    }

    /// <summary>Its first byte.</summary>
    public void* Start => start;

    /// <summary>Gives it back.</summary>
    public void Dispose()
    {
        NativeMemory.AlignedFree(start);
        start = null;
    }
}
