// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.ComponentModel;
using System.Runtime.InteropServices;

namespace ColoWire.Engine.Tests.Bench;

/// <summary>A page of memory between two inaccessible pages (mmap(2), PROT_NONE).</summary>
internal sealed unsafe partial class GuardedPage : IDisposable
{
    public const int Bytes = 4096;

    private const int ReadAndWrite = 1 | 2;
    private const int PrivateAndAnonymous = 2 | 0x20;

    private readonly byte* first;

    public GuardedPage()
    {
        first = Map(null, 3 * Bytes, 0, PrivateAndAnonymous, -1, 0);
        if ((nint)first == -1 || Protect(first + Bytes, Bytes, ReadAndWrite) != 0)
        {
            throw new Win32Exception();
        }
    }

    public Span<byte> Span => new(first + Bytes, Bytes);

    public void Dispose() => _ = Unmap(first, 3 * Bytes);

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial byte* Map(void* address, nuint length, int protection, int flags, int file, long offset);

    [LibraryImport("libc", EntryPoint = "mprotect", SetLastError = true)]
    private static partial int Protect(void* address, nuint length, int protection);

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    private static partial int Unmap(void* address, nuint length);
}
