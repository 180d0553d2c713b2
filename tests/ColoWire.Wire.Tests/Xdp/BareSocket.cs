// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Runtime.InteropServices;
using ColoWire.Ports.Linux;
using NUnit.Framework;

namespace ColoWire.Wire.Tests.Xdp;

/// <summary>An AF_XDP socket that is only bound to queue 0 (linux/if_xdp.h): the frames that it receives are not read.</summary>
internal sealed unsafe partial class BareSocket : IDisposable
{
    private const ushort Family = 44;
    private const int TypeRaw = 3;
    private const int Level = 283;
    private const int RxRing = 2;
    private const int UmemRegistration = 4;
    private const int FillRing = 5;
    private const int CompletionRing = 6;
    private const ushort Copy = 1 << 1;

    private const int ChunkBytes = 2048;
    private const int Chunks = 64;

    private readonly void* memory = NativeMemory.AlignedAlloc(ChunkBytes * Chunks, 4096);

    public BareSocket(int interfaceIndex)
    {
        Descriptor = Libc.Socket(Family, TypeRaw, 0);
        ulong* umem = stackalloc ulong[] { (ulong)memory, ChunkBytes * Chunks, ChunkBytes };
        Set(UmemRegistration, umem, 3 * sizeof(ulong));
        int entries = Chunks;
        foreach (int ring in (int[])[FillRing, CompletionRing, RxRing])
            Set(ring, &entries, sizeof(int));
        uint* address = stackalloc uint[] { Family | (Copy << 16), (uint)interfaceIndex, 0, 0 };
        Assert.That(Bind(Descriptor, address, 4 * sizeof(uint)), Is.Zero, "bind");
    }

    public int Descriptor { get; }

    public void Dispose()
    {
        _ = Libc.Close(Descriptor);
        NativeMemory.AlignedFree(memory);
    }

    private void Set(int option, void* value, int bytes) =>
        Assert.That(SetOption(Descriptor, Level, option, value, bytes), Is.Zero, $"option {option}");

    [LibraryImport("libc", EntryPoint = "setsockopt")]
    private static partial int SetOption(int socket, int level, int option, void* value, int valueBytes);

    [LibraryImport("libc", EntryPoint = "bind")]
    private static partial int Bind(int socket, void* address, int addressBytes);
}
