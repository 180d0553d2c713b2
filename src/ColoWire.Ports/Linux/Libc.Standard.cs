// SPDX-License-Identifier: GPL-2.0-or-later

using System.Runtime.InteropServices;

namespace ColoWire.Ports.Linux;

/// <summary>The calls for the descriptors and the signals that a process is started with.</summary>
internal static unsafe partial class Libc
{
    /// <summary>An event of poll(2): there is room to write (asm-generic/poll.h).</summary>
    public const short Writable = 4;

    /// <summary>A flag of a descriptor, not of the file: it is closed by execve(2) (FD_CLOEXEC of fcntl(2)).</summary>
    public const int ClosedByExec = 1;

    /// <summary>Nobody reads at the other end of a pipe or a socket (EPIPE).</summary>
    public const int BrokenPipe = 32;

    /// <summary>Flags of open(2), the same on x86 and Arm.</summary>
    public const int ReadWrite = 2;
    public const int NoControllingTerminal = 0x100;

    /// <summary>What signal(2) takes for a signal that is to be ignored (SIG_IGN).</summary>
    public const nint IgnoreHandler = 1;

    private const int GetDescriptorFlags = 1;

    /// <summary>The flags of a descriptor, or -1 where it is closed.</summary>
    public static int DescriptorFlags(int fileDescriptor) => (int)FileControl(fileDescriptor, GetDescriptorFlags, 0);

    [LibraryImport(Library, EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Open(string path, int flags);

    [LibraryImport(Library, EntryPoint = "signal")]
    public static partial nint SetSignalHandler(int signal, nint handler);

    /// <summary>Ends the process at once: nothing is flushed, no handler runs.</summary>
    [LibraryImport(Library, EntryPoint = "_exit")]
    public static partial void ExitNow(int code);

    [LibraryImport(Library, EntryPoint = "fcntl", SetLastError = true)]
    private static partial nint FileControl(int fileDescriptor, int command, nint argument);
}
