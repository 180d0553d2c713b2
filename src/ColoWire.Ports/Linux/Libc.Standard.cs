// SPDX-License-Identifier: GPL-2.0-or-later

using System.Runtime.InteropServices;

namespace ColoWire.Ports.Linux;

/// <summary>The functions for the descriptors and signals with which a process is started.</summary>
internal static unsafe partial class Libc
{
    /// <summary>An event of poll(2): there is room to write (asm-generic/poll.h).</summary>
    public const short Writable = 4;

    /// <summary>FD_CLOEXEC of fcntl(2), a flag of a descriptor: execve(2) closes it.</summary>
    public const int ClosedByExec = 1;

    /// <summary>EPIPE: the other end of a pipe or socket is closed for reading.</summary>
    public const int BrokenPipe = 32;

    /// <summary>Flags of open(2), the same on x86 and Arm.</summary>
    public const int ReadWrite = 2;
    public const int NoControllingTerminal = 0x100;

    /// <summary>SIG_IGN of signal(2): the signal is ignored.</summary>
    public const nint IgnoreHandler = 1;

    private const int GetDescriptorFlags = 1;

    /// <summary>The flags of a descriptor (F_GETFD of fcntl(2)); -1 where it is closed.</summary>
    public static int DescriptorFlags(int fileDescriptor) => (int)FileControl(fileDescriptor, GetDescriptorFlags, 0);

    [LibraryImport(Library, EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Open(string path, int flags);

    [LibraryImport(Library, EntryPoint = "signal")]
    public static partial nint SetSignalHandler(int signal, nint handler);

    /// <summary>Ends the process at once: no buffer is flushed, no exit handler runs (_exit(2)).</summary>
    [LibraryImport(Library, EntryPoint = "_exit")]
    public static partial void ExitNow(int code);

    [LibraryImport(Library, EntryPoint = "fcntl", SetLastError = true)]
    private static partial nint FileControl(int fileDescriptor, int command, nint argument);
}
