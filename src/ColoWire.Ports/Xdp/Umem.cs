// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using System.Runtime.CompilerServices;
using ColoWire.Engine;
using ColoWire.Engine.Frames;

namespace ColoWire.Ports.Xdp;

/// <summary>
/// The small slots of an arena as the kernel's sockets see them: a UMEM whose chunks they are. The first socket registers it, the others
/// of the same pipeline share it, so that a frame that came in by one of them leaves by another where it lies. A socket shares with one that
/// is bound (XDP_SHARED_UMEM, net/xdp/xsk.c): when all have lost their interfaces, the next one registers the memory anew.
/// </summary>
internal sealed class Umem(FrameArena arena)
{
    private const int ChunkBytes = EngineLimits.SmallSlotBytes;

    /// <summary>The longest frame that the kernel puts into a chunk, with its Ethernet header.</summary>
    public const int MaxFrameBytes = ChunkBytes - XdpAbi.PacketHeadroomBytes;

    private readonly List<int> members = [];

    /// <summary>The memory.</summary>
    public FrameArena Arena => arena;

    /// <summary>The slot that an address lies in.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FrameRef Slot(ulong address) => new((uint)(address / ChunkBytes));

    /// <summary>Where in its slot an address lies.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ushort Offset(ulong address) => (ushort)(address % ChunkBytes);

    /// <summary>The address of a place in a slot.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Address(FrameRef slot, int offset = 0) => ((ulong)slot.Slot * ChunkBytes) + (uint)offset;

    /// <summary>The sockets that it may be shared with; one of them may have lost its interface since it was bound.</summary>
    public IReadOnlyList<int> Members => members;

    /// <summary>A socket is bound to this memory.</summary>
    public void Join(int socket) => members.Add(socket);

    /// <summary>A socket is closed.</summary>
    public void Leave(int socket) => members.Remove(socket);

    /// <summary>Registers the memory with a socket that shares it with none.</summary>
    /// <returns>False, with an error number, when the kernel refuses.</returns>
    public bool TryRegister(int socket)
    {
        XdpAbi.UmemRegistration registration = new()
        {
            Address = (ulong)arena.SmallSlots,
            Length = arena.SmallSlotByteCount,
            ChunkBytes = ChunkBytes,
        };
        return XdpAbi.SetOption(socket, XdpAbi.OptionUmemRegistration, registration) == 0;
    }
}
