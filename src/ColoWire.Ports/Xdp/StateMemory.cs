// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Runtime.InteropServices;

namespace ColoWire.Ports.Xdp;

/// <summary>The map <c>state</c> of a program, mapped into this process (mmap(2); BPF_F_MMAPABLE of bpf(2)).</summary>
internal sealed partial class StateMemory : IDisposable
{
    /// <summary>PROT_READ, PROT_WRITE and MAP_SHARED (asm-generic/mman-common.h, linux/mman.h).</summary>
    private const int Readable = 1;
    private const int Writable = 2;
    private const int Shared = 1;

    private const nint Failed = -1;

    private readonly nint start;

    /// <summary>Maps it.</summary>
    /// <param name="map">The descriptor of the map; it may be closed then.</param>
    /// <param name="writable">Whether it is the map of this process's own program.</param>
    /// <exception cref="PortException">The kernel refuses.</exception>
    public StateMemory(int map, bool writable)
    {
        start = Map(0, Bytes, writable ? Readable | Writable : Readable, Shared, map, 0);
        if (start == Failed)
        {
            throw new PortException($"cannot map the state of the XDP program: {Marshal.GetLastPInvokeErrorMessage()}");
        }
    }

    /// <summary>The memory.</summary>
    public PortState State => new(start);

    private static nuint Bytes => (nuint)((PortState.Bytes + Environment.SystemPageSize - 1) & -Environment.SystemPageSize);

    /// <summary>Unmaps it.</summary>
    public void Dispose() => _ = Unmap(start, Bytes);

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial nint Map(nint address, nuint length, int protection, int flags, int descriptor, nint offset);

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    private static partial int Unmap(nint address, nuint length);
}
