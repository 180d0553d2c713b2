// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Runtime.InteropServices;

namespace ColoWire.Engine;

/// <summary>
/// Native memory that is allocated at the start: zeroed, and with every page touched, so that no page fault occurs while frames
/// are processed.
/// </summary>
internal sealed unsafe class NativeRegion : IDisposable
{
    /// <summary>
    /// The size of a huge page on x86-64, and on arm64 with 4 KiB pages; a region with this alignment can consist of huge pages.
    /// </summary>
    private const nuint HugePageBytes = 2 << 20;

    /// <summary>
    /// The size of the largest page in bytes that the kernel may have been built for: 4 KiB on x86-64, 64 KiB on arm64
    /// (Documentation/arch/arm64/memory.rst). AF_XDP only accepts memory that begins at a page (net/xdp/xdp_umem.c,
    /// PAGE_ALIGNED).
    /// </summary>
    private static readonly nuint MaxPageBytes = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 65_536u : 4096;

    private void* start;

    /// <summary>Allocates the region.</summary>
    /// <param name="byteCount">The size in bytes.</param>
    /// <param name="advise">Called before the first access to the memory; see <see cref="EngineOptions.AdviseMemory"/>.</param>
    public NativeRegion(nuint byteCount, Action<nint, nuint>? advise)
    {
        nuint alignment = byteCount < HugePageBytes ? MaxPageBytes : HugePageBytes;
        start = NativeMemory.AlignedAlloc(byteCount, alignment);
        advise?.Invoke((nint)start, byteCount);
        NativeMemory.Clear(start, byteCount);
    }

    /// <summary>The address of the first byte.</summary>
    public void* Start => start;

    /// <summary>Frees the region.</summary>
    public void Dispose()
    {
        NativeMemory.AlignedFree(start);
        start = null;
    }
}
