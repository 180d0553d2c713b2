// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace ColoWire.Ports.Linux;

/// <summary>The functions of the C library that the runtime does not offer, and their constants.</summary>
internal static unsafe partial class Libc
{
    private const string Library = "libc";

    /// <summary>Error numbers of Linux (asm-generic/errno.h).</summary>
    public const int NotPermitted = 1;
    public const int Interrupted = 4;
    public const int NoSuchAddress = 6;
    public const int BadDescriptor = 9;
    public const int TryAgain = 11;
    public const int NoMemory = 12;
    public const int Busy = 16;
    public const int Exists = 17;
    public const int NoSuchDevice = 19;
    public const int InvalidArgument = 22;
    public const int NoSpace = 28;
    public const int NoSuchCall = 38;
    public const int MessageTooLong = 90;
    public const int NotSupported = 95;
    public const int AddressFamilyUnknown = 97;
    public const int NetworkDown = 100;
    public const int NoBufferSpace = 105;

    /// <summary>PACKET_IGNORE_OUTGOING, an option of a packet socket: it does not receive what this host sends
    /// (linux/if_packet.h).</summary>
    public const int PacketIgnoreOutgoing = 23;

    private const int PacketLevel = 263;

    /// <summary>Numbers of statx(2) (linux/stat.h, linux/fcntl.h).</summary>
    private const int CurrentFolder = -100;
    private const int NoFollow = 0x100;
    private const uint StatxType = 1;
    private const uint StatxInode = 0x100;
    private const int StatxBytes = 256;
    private const int StatxModeOffset = 28;
    private const int StatxInodeOffset = 32;
    private const int StatxDeviceOffset = 136;
    private const int FileTypeMask = 0xF000;
    private const int PipeFileType = 0x1000;
    private const int RegularFileType = 0x8000;
    private const int SocketFileType = 0xC000;

    /// <summary>Flags of open(2): for writing, without waiting for a reader, closed by execve(2) (asm-generic/fcntl.h).</summary>
    private const int OpenToWrite = 0x1;
    private const int OpenWithoutWaiting = 0x800;
    private const int OpenCloseOnExec = 0x80000;

    /// <summary>MSG_DONTWAIT and MSG_NOSIGNAL of send(2) and recv(2): the call does not block, and a closed peer raises no
    /// SIGPIPE.</summary>
    public const int DoNotWait = 0x40;
    public const int NoSignal = 0x4000;

    /// <summary>F_DUPFD_CLOEXEC of fcntl(2) (linux/fcntl.h).</summary>
    private const int DuplicateCloseOnExec = 1030;

    /// <summary>SOL_SOCKET and SO_ERROR of socket(7) (asm-generic/socket.h).</summary>
    private const int SocketLevel = 1;
    private const int PendingError = 4;

    /// <summary>Numbers of epoll(7) (sys/epoll.h).</summary>
    public const int EpollCloseOnExec = 0x80000;
    public const int EpollAdd = 1;
    public const uint EpollReadable = 1;

    /// <summary>Sets an option of a packet socket.</summary>
    public static int SetPacketOption(int socket, int option, int value) =>
        SetSocketOption(socket, PacketLevel, option, &value, sizeof(int));

    /// <summary>Another descriptor of the same file, for poll(2), which <see cref="Replace"/> can direct to another file; -1 when
    /// there is none left.</summary>
    public static int Duplicate(int fileDescriptor) => (int)FileControl(fileDescriptor, DuplicateCloseOnExec, 0);

    /// <summary>Makes a descriptor refer to another file (dup3(2)).</summary>
    public static void Replace(int fileDescriptor, int replacement) => _ = DuplicateTo(replacement, fileDescriptor, CloseOnExec);

    /// <summary>The interface that a packet socket is bound to. The kernel unbinds it when the interface is removed or moves to
    /// another namespace.</summary>
    /// <returns>False when it is bound to none.</returns>
    public static bool TryGetBoundInterface(int socket, out int interfaceIndex)
    {
        LinkAddress address = default;
        uint length = (uint)sizeof(LinkAddress);
        bool known = SocketName(socket, &address, &length) == 0;
        interfaceIndex = address.InterfaceIndex;
        return known && interfaceIndex > 0;
    }

    /// <summary>Reads and clears the pending error of a socket (SO_ERROR, socket(7)); 0 for none.</summary>
    public static int TakeError(int socket)
    {
        int error = 0;
        uint length = sizeof(int);
        return GetSocketOption(socket, SocketLevel, PendingError, &error, &length) == 0 ? error : Marshal.GetLastPInvokeError();
    }

    /// <summary>Whether a path is a unix socket.</summary>
    public static bool IsSocket(string path) => TypeOf(path, NoFollow) == SocketFileType;

    /// <summary>Whether a path is a named pipe, or a link to one (fifo(7)).</summary>
    public static bool IsPipe(string path) => TypeOf(path, 0) == PipeFileType;

    /// <summary>Whether a path is a regular file, or a link to one.</summary>
    public static bool IsRegular(string path) => TypeOf(path, 0) == RegularFileType;

    /// <summary>The device and the inode of a file, which are the same for all paths to it.</summary>
    /// <returns>Null when there is no file at the path, or this process may not look at it.</returns>
    public static (ulong Device, ulong Inode)? IdentityOf(string path)
    {
        byte* facts = stackalloc byte[StatxBytes];
        return Statx(CurrentFolder, path, 0, StatxInode, facts) == 0
            ? (*(ulong*)(facts + StatxDeviceOffset), *(ulong*)(facts + StatxInodeOffset))
            : null;
    }

    /// <summary>Opens a named pipe for writing, if it is open for reading (fifo(7)).</summary>
    /// <returns>The pipe, or an invalid handle: <see cref="NoSuchAddress"/> says that it has no reader.</returns>
    public static SafeFileHandle OpenPipe(string path) => Open(path, OpenToWrite | OpenWithoutWaiting | OpenCloseOnExec, 0);

    // struct statx is the same on every architecture.
    private static int TypeOf(string path, int flags)
    {
        byte* facts = stackalloc byte[StatxBytes];
        return Statx(CurrentFolder, path, flags, StatxType, facts) == 0 ? *(ushort*)(facts + StatxModeOffset) & FileTypeMask : 0;
    }

    /// <summary>Reads from the start of a file (pread(2)), without an exception when that fails.</summary>
    /// <returns>Bytes read, or -1.</returns>
    public static int ReadAt(SafeFileHandle file, Span<byte> bytes)
    {
        fixed (byte* first = bytes)
        {
            return (int)ReadAt(file, first, (nuint)bytes.Length, 0);
        }
    }

    [LibraryImport(Library, EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial SafeFileHandle Open(string path, int flags, int mode);

    [LibraryImport(Library, EntryPoint = "pread", SetLastError = true)]
    private static partial nint ReadAt(SafeFileHandle file, byte* bytes, nuint length, long offset);

    [LibraryImport(Library, EntryPoint = "socket", SetLastError = true)]
    public static partial int Socket(int domain, int type, int protocol);

    [LibraryImport(Library, EntryPoint = "close", SetLastError = true)]
    public static partial int Close(int fileDescriptor);

    [LibraryImport(Library, EntryPoint = "read", SetLastError = true)]
    public static partial nint Read(int fileDescriptor, void* bytes, nuint length);

    [LibraryImport(Library, EntryPoint = "write", SetLastError = true)]
    public static partial nint Write(int fileDescriptor, void* bytes, nuint length);

    [LibraryImport(Library, EntryPoint = "eventfd", SetLastError = true)]
    public static partial int EventDescriptor(uint count, int flags);

    [LibraryImport(Library, EntryPoint = "ioctl", SetLastError = true)]
    public static partial int IoControl(int fileDescriptor, nuint request, void* argument);

    [LibraryImport(Library, EntryPoint = "poll", SetLastError = true)]
    public static partial int Poll(PollDescriptor* descriptors, nuint count, int timeoutMs);

    [LibraryImport(Library, EntryPoint = "mlockall", SetLastError = true)]
    public static partial int LockAllMemory(int flags);

    [LibraryImport(Library, EntryPoint = "madvise", SetLastError = true)]
    public static partial int AdviseMemory(nint address, nuint length, int advice);

    [LibraryImport(Library, EntryPoint = "sched_setaffinity", SetLastError = true)]
    public static partial int SetAffinity(int threadId, nuint maskBytes, ulong* mask);

    [LibraryImport(Library, EntryPoint = "sched_getaffinity", SetLastError = true)]
    public static partial int GetAffinity(int threadId, nuint maskBytes, ulong* mask);

    /// <summary>Sends messages in order until one fails (sendmmsg(2)).</summary>
    /// <returns>How many were sent; -1, with the error number, when the first one failed. The error of a later one is not
    /// reported: it shows when that one is sent again.</returns>
    [LibraryImport(Library, EntryPoint = "sendmmsg", SetLastError = true)]
    public static partial int SendMessages(int socket, BatchMessage* messages, uint count, int flags);

    [LibraryImport(Library, EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Statx(int folder, string path, int flags, uint mask, byte* facts);

    [LibraryImport(Library, EntryPoint = "recv", SetLastError = true)]
    public static partial nint Receive(int socket, byte* bytes, nuint length, int flags);

    [LibraryImport(Library, EntryPoint = "send", SetLastError = true)]
    public static partial nint Send(int socket, byte* bytes, nuint length, int flags);

    [LibraryImport(Library, EntryPoint = "epoll_create1", SetLastError = true)]
    public static partial int EpollCreate(int flags);

    [LibraryImport(Library, EntryPoint = "epoll_ctl", SetLastError = true)]
    public static partial int EpollControl(int epoll, int operation, int fileDescriptor, ref EpollEntry entry);

    [LibraryImport(Library, EntryPoint = "dup3", SetLastError = true)]
    private static partial int DuplicateTo(int fileDescriptor, int target, int flags);

    [LibraryImport(Library, EntryPoint = "getsockname", SetLastError = true)]
    private static partial int SocketName(int socket, LinkAddress* address, uint* addressBytes);

    [LibraryImport(Library, EntryPoint = "getsockopt", SetLastError = true)]
    private static partial int GetSocketOption(int socket, int level, int option, void* value, uint* valueBytes);

    [LibraryImport(Library, EntryPoint = "setsockopt", SetLastError = true)]
    public static partial int SetSocketOption(int socket, int level, int option, void* value, int valueBytes);

    /// <summary><c>struct mmsghdr</c> (sys/socket.h): a message, and how much of it was sent.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct BatchMessage
    {
        public MessageHeader Header;
        public uint SentBytes;
    }

    /// <summary><c>struct msghdr</c> (sys/socket.h); padded to a multiple of a word.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct MessageHeader
    {
        public nint Name;
        public uint NameBytes;
        public MessagePart* Parts;
        public nuint PartCount;
        public nint Control;
        public nuint ControlBytes;
        public int Flags;
    }

    /// <summary><c>struct iovec</c> (sys/uio.h).</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct MessagePart
    {
        public byte* Bytes;
        public nuint Length;
    }

    /// <summary><c>struct sockaddr_ll</c> (linux/if_packet.h); of it only the interface is asked for.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 20)]
    private struct LinkAddress
    {
        public ushort Family;
        public ushort Protocol;
        public int InterfaceIndex;
    }

    /// <summary><c>struct epoll_event</c> (sys/epoll.h), whose data nobody reads here; it stands at another place on each
    /// architecture.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 16)]
    public struct EpollEntry
    {
        public uint Events;
    }

    /// <summary><c>struct pollfd</c> (poll.h).</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct PollDescriptor
    {
        public int FileDescriptor;
        public short Events;
        public short ReturnedEvents;
    }
}
