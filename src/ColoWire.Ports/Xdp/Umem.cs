// SPDX-License-Identifier: GPL-2.0-or-later

using System.Runtime.CompilerServices;
using ColoWire.Engine;
using ColoWire.Engine.Frames;

namespace ColoWire.Ports.Xdp;

/// <summary>
/// The small slots of an arena as the kernel's sockets see them: a UMEM whose chunks they are. The first socket registers it, the others
/// of the same lane share it, so that a frame that came in by one of them leaves by another where it lies.
/// </summary>
internal sealed class Umem(FrameArena arena)
{
    private const int ChunkBytes = EngineLimits.SmallSlotBytes;

    /// <summary>The longest frame that the kernel puts into a chunk, with its Ethernet header.</summary>
    public const int MaxFrameBytes = ChunkBytes - XdpAbi.PacketHeadroomBytes;

    private int owner = -1;

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

    /// <summary>A socket could not be opened after all: it is not the one to share with.</summary>
    public void Leave(int socket) => owner = owner == socket ? -1 : owner;

    /// <summary>Gives a socket this memory, by registering it or by what to bind it with.</summary>
    /// <param name="socket">The socket, not bound yet.</param>
    /// <param name="sharedWith">The socket to name in its binding; -1 when it is the first.</param>
    /// <returns>False, with an error number, when the kernel refuses.</returns>
    public bool TryJoin(int socket, out int sharedWith)
    {
        sharedWith = owner;
        if (owner >= 0)
        {
            return true;
        }

        XdpAbi.UmemRegistration registration = new()
        {
            Address = (ulong)arena.SmallSlots,
            Length = arena.SmallSlotByteCount,
            ChunkBytes = ChunkBytes,
        };
        if (XdpAbi.SetOption(socket, XdpAbi.OptionUmemRegistration, registration) != 0)
        {
            return false;
        }

        owner = socket;
        return true;
    }
}
