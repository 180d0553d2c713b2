// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using System.Runtime.CompilerServices;
using ColoWire.Engine;
using ColoWire.Engine.Frames;

namespace ColoWire.Ports.Xdp;

/// <summary>
/// The small slots of an arena as a UMEM, whose chunks they are (Documentation/networking/af_xdp.rst, UMEM). The first socket
/// registers it; the others of the same pipeline share it (XDP_SHARED_UMEM), so that a frame that was received by one of them can
/// be sent by another one from where it is. A socket can share only with one that is bound (xsk_bind, net/xdp/xsk.c): when all
/// have lost their interfaces, the next one registers the memory again.
/// </summary>
/// <param name="arena">The arena.</param>
internal sealed class Umem(FrameArena arena)
{
    private const int ChunkBytes = EngineLimits.SmallSlotBytes;

    /// <summary>Bytes of the longest frame that the kernel puts into a chunk, with its Ethernet header.</summary>
    public const int MaxFrameBytes = ChunkBytes - XdpAbi.PacketHeadroomBytes;

    private readonly List<int> members = [];

    /// <summary>The memory.</summary>
    public FrameArena Arena => arena;

    /// <summary>The slot of an address in the UMEM.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FrameRef Slot(ulong address) => new((uint)(address / ChunkBytes));

    /// <summary>The offset of an address in its slot, in bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ushort Offset(ulong address) => (ushort)(address % ChunkBytes);

    /// <summary>The address in the UMEM of a byte of a slot.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Address(FrameRef slot, int offset = 0) => ((ulong)slot.Slot * ChunkBytes) + (uint)offset;

    /// <summary>The sockets that it may be shared with; one of them may have lost its interface since it was bound.</summary>
    public IReadOnlyList<int> Members => members;

    /// <summary>A socket is bound to this memory.</summary>
    public void Join(int socket) => members.Add(socket);

    /// <summary>A socket is closed.</summary>
    public void Leave(int socket) => members.Remove(socket);

    /// <summary>Registers the memory with a socket (XDP_UMEM_REG) that shares it with no other.</summary>
    /// <returns>False, with the error number set, when the kernel refuses.</returns>
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
