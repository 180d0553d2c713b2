// SPDX-License-Identifier: GPL-2.0-or-later

using System.Runtime.InteropServices;
using ColoWire.Ports.Linux;

namespace ColoWire.Ports.Xdp;

/// <summary>
/// The kernel's interface for AF_XDP: linux/if_xdp.h, whose names are in the comments. It uses system calls and not libxdp: there
/// are six of them, the rings are shared memory, and without a library a reader can compare the code with the kernel's document
/// (Documentation/networking/af_xdp.rst) directly, and operators have nothing to install.
/// </summary>
internal static unsafe partial class XdpAbi
{
    /// <summary>AF_XDP.</summary>
    public const int AddressFamily = 44;

    /// <summary>Options of the socket (SOL_XDP).</summary>
    public const int OptionMapOffsets = 1;
    public const int OptionReceiveRing = 2;
    public const int OptionTransmitRing = 3;
    public const int OptionUmemRegistration = 4;
    public const int OptionFillRing = 5;
    public const int OptionCompletionRing = 6;
    public const int OptionStatistics = 7;
    public const int OptionOptions = 8;

    /// <summary>The offsets of the rings for mmap(2) (XDP_PGOFF_RX_RING, XDP_PGOFF_TX_RING, XDP_UMEM_PGOFF_FILL_RING,
    /// ..._COMPLETION_RING).</summary>
    public const long ReceiveRingPage = 0;
    public const long TransmitRingPage = 0x80000000;
    public const long FillRingPage = 0x100000000;
    public const long CompletionRingPage = 0x180000000;

    /// <summary>Flags of a binding: XDP_SHARED_UMEM, XDP_COPY, XDP_USE_NEED_WAKEUP.</summary>
    public const ushort BindSharedUmem = 1 << 0;
    public const ushort BindCopy = 1 << 1;
    public const ushort BindNeedWakeup = 1 << 3;

    /// <summary>XDP_RING_NEED_WAKEUP: the kernel does not read this ring until a system call wakes it.</summary>
    public const uint RingNeedsWakeup = 1 << 0;

    /// <summary>XDP_OPTIONS_ZEROCOPY: the driver uses the UMEM without a copy.</summary>
    public const uint OptionsZeroCopy = 1 << 0;

    /// <summary>Bytes before a received frame in its chunk that the kernel leaves free (XDP_PACKET_HEADROOM,
    /// linux/bpf.h).</summary>
    public const int PacketHeadroomBytes = 256;

    private const string Library = "libc";
    private const int Level = 283;
    private const int TypeRaw = 3;
    private const int TypeCloseOnExec = 0x80000;
    private const int DoNotWait = 0x40;
    private const int ReadAndWrite = 1 | 2;
    private const int SharedAndPopulated = 1 | 0x8000;

    /// <summary>Opens a socket; negative when it cannot be opened.</summary>
    public static int OpenSocket() => Libc.Socket(AddressFamily, TypeRaw | TypeCloseOnExec, 0);

    /// <summary>Sets an option; -1 when it cannot be set.</summary>
    public static int SetOption<T>(int socket, int option, T value)
        where T : unmanaged => SetSocketOption(socket, Level, option, &value, sizeof(T));

    /// <summary>Reads an option.</summary>
    /// <returns>False when the kernel does not know it.</returns>
    public static bool TryGetOption<T>(int socket, int option, out T value)
        where T : unmanaged
    {
        T answer = default;
        int length = sizeof(T);
        bool known = GetSocketOption(socket, Level, option, &answer, &length) == 0;
        value = answer;
        return known;
    }

    /// <summary>Maps a ring; null when it cannot be mapped.</summary>
    public static byte* Map(int socket, long page, nuint byteCount)
    {
        nint address = MemoryMap(0, byteCount, ReadAndWrite, SharedAndPopulated, socket, page);
        return address == -1 ? null : (byte*)address;
    }

    /// <summary>Undoes <see cref="Map"/>.</summary>
    public static void Unmap(byte* address, nuint byteCount) => _ = MemoryUnmap((nint)address, byteCount);

    /// <summary>Binds a socket to a queue; -1 when it cannot be bound.</summary>
    public static int Bind(int socket, in SocketAddress address)
    {
        fixed (SocketAddress* pointer = &address)
        {
            return BindSocket(socket, pointer, sizeof(SocketAddress));
        }
    }

    /// <summary>Wakes the kernel to send what is in the transmit ring.</summary>
    /// <returns>-1, with an error number, when it did not get to the end of the ring.</returns>
    public static nint KickTransmit(int socket) => SendTo(socket, null, 0, DoNotWait, null, 0);

    /// <summary>Wakes the kernel to read the fill ring.</summary>
    public static void KickFill(int socket) => _ = ReceiveFrom(socket, null, 0, DoNotWait, null, null);

    [LibraryImport(Library, EntryPoint = "setsockopt", SetLastError = true)]
    private static partial int SetSocketOption(int socket, int level, int option, void* value, int valueBytes);

    [LibraryImport(Library, EntryPoint = "getsockopt", SetLastError = true)]
    private static partial int GetSocketOption(int socket, int level, int option, void* value, int* valueBytes);

    [LibraryImport(Library, EntryPoint = "mmap", SetLastError = true)]
    private static partial nint MemoryMap(nint address, nuint length, int protection, int flags, int descriptor, long offset);

    [LibraryImport(Library, EntryPoint = "munmap", SetLastError = true)]
    private static partial int MemoryUnmap(nint address, nuint length);

    [LibraryImport(Library, EntryPoint = "bind", SetLastError = true)]
    private static partial int BindSocket(int socket, void* address, int addressBytes);

    [LibraryImport(Library, EntryPoint = "sendto", SetLastError = true)]
    private static partial nint SendTo(int socket, void* bytes, nuint length, int flags, void* address, int addressBytes);

    [LibraryImport(Library, EntryPoint = "recvfrom", SetLastError = true)]
    private static partial nint ReceiveFrom(int socket, void* bytes, nuint length, int flags, void* address, int* addressBytes);

    /// <summary><c>struct xdp_desc</c>: a frame in the UMEM.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Descriptor
    {
        public ulong Address;
        public uint Length;
        public uint Options;
    }

    /// <summary><c>struct sockaddr_xdp</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct SocketAddress
    {
        public ushort Family;
        public ushort Flags;
        public uint InterfaceIndex;
        public uint Queue;
        public uint SharedUmemSocket;
    }

    /// <summary><c>struct xdp_umem_reg</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct UmemRegistration
    {
        public ulong Address;
        public ulong Length;
        public uint ChunkBytes;
        public uint Headroom;
        public uint Flags;
        public uint TransmitMetadataBytes;
    }

    /// <summary><c>struct xdp_ring_offset</c>: the offsets of a ring's parts in its mapping, in bytes.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct RingOffsets
    {
        public ulong Producer;
        public ulong Consumer;
        public ulong Entries;
        public ulong Flags;
    }

    /// <summary><c>struct xdp_mmap_offsets</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct MapOffsets
    {
        public RingOffsets Receive;
        public RingOffsets Transmit;
        public RingOffsets Fill;
        public RingOffsets Completion;
    }

    /// <summary><c>struct xdp_statistics</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Statistics
    {
        public ulong ReceiveDropped;
        public ulong ReceiveInvalid;
        public ulong TransmitInvalid;
        public ulong ReceiveRingFull;
        public ulong FillRingEmpty;
        public ulong TransmitRingEmpty;
    }
}
