// SPDX-License-Identifier: GPL-2.0-or-later

using System.Runtime.InteropServices;

namespace ColoWire.Ports.Linux;

/// <summary>The functions that start a program and wait for it. The runtime's own cannot make it the leader of a process
/// group.</summary>
internal static unsafe partial class Libc
{
    /// <summary>More bytes than any C library takes for the attributes of a process, the actions on its files, or a set of
    /// signals.</summary>
    public const int SpawnRecordBytes = 1024;

    /// <summary>Flags of the attributes (spawn.h): the process leads a process group, signals have their default effect, none is
    /// blocked.</summary>
    public const short SpawnSetGroup = 0x02;
    public const short SpawnSetSignalDefaults = 0x04;
    public const short SpawnSetSignalMask = 0x08;

    /// <summary>The signal that cannot be caught.</summary>
    public const int KillSignal = 9;

    /// <summary>The signal that stops a process and cannot be caught.</summary>
    public const int StopSignal = 19;

    /// <summary>WNOHANG of waitpid(2): do not wait.</summary>
    public const int DoNotHang = 1;

    public const int ReadOnly = 0;
    public const int WriteOnly = 1;
    public const int CloseOnExec = 0x80000;
    public const int NonBlocking = 0x800;

    /// <summary>The number of pidfd_open(2), the same on all processors.</summary>
    private const nint PidDescriptorCall = 434;

    /// <summary>The option of prctl(2) that makes a process the parent of all orphans among its descendants.</summary>
    private const int SetChildSubreaper = 36;

    /// <summary>X_OK of access(2): whether a file may be executed.</summary>
    private const int ExecuteAccess = 1;

    /// <summary>Whether this process may execute a file.</summary>
    public static bool MayExecute(string path) => Access(path, ExecuteAccess) == 0;

    /// <summary>A file descriptor that becomes readable when the process has ended.</summary>
    public static int PidDescriptor(int process) => (int)Call(PidDescriptorCall, process, 0);

    /// <summary>Makes this process the parent of all orphans among its descendants (PR_SET_CHILD_SUBREAPER, prctl(2)); children
    /// do not inherit that.</summary>
    /// <returns>0, or -1.</returns>
    public static int AdoptOrphans() => ProcessControl(SetChildSubreaper, 1, 0, 0, 0);

    /// <summary>Starts a program (posix_spawn(3)); both lists end with null.</summary>
    /// <returns>0, or the error number.</returns>
    [LibraryImport(Library, EntryPoint = "posix_spawn", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Spawn(
        out int process, string path, void* actions, void* attributes, string?[] arguments, string?[] environment);

    [LibraryImport(Library, EntryPoint = "posix_spawnattr_init")]
    public static partial int SpawnAttributes(void* attributes);

    [LibraryImport(Library, EntryPoint = "posix_spawnattr_setflags")]
    public static partial int SetSpawnFlags(void* attributes, short flags);

    [LibraryImport(Library, EntryPoint = "posix_spawnattr_setsigdefault")]
    public static partial int SetSpawnSignalDefaults(void* attributes, void* signals);

    [LibraryImport(Library, EntryPoint = "posix_spawnattr_destroy")]
    public static partial int DestroySpawnAttributes(void* attributes);

    [LibraryImport(Library, EntryPoint = "posix_spawn_file_actions_init")]
    public static partial int SpawnActions(void* actions);

    [LibraryImport(Library, EntryPoint = "posix_spawn_file_actions_addopen", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int AddSpawnOpen(void* actions, int fileDescriptor, string path, int flags, int mode);

    [LibraryImport(Library, EntryPoint = "posix_spawn_file_actions_adddup2")]
    public static partial int AddSpawnDuplicate(void* actions, int fileDescriptor, int duplicate);

    [LibraryImport(Library, EntryPoint = "posix_spawn_file_actions_addclosefrom_np")]
    public static partial int AddSpawnCloseFrom(void* actions, int fileDescriptor);

    [LibraryImport(Library, EntryPoint = "posix_spawn_file_actions_destroy")]
    public static partial int DestroySpawnActions(void* actions);

    [LibraryImport(Library, EntryPoint = "sigfillset")]
    public static partial int AllSignals(void* signals);

    [LibraryImport(Library, EntryPoint = "pipe2", SetLastError = true)]
    public static partial int Pipe(int* ends, int flags);

    [LibraryImport(Library, EntryPoint = "waitpid", SetLastError = true)]
    public static partial int WaitForProcess(int process, out int status, int options);

    /// <summary>Sends a signal; a negative number is that of a process group.</summary>
    [LibraryImport(Library, EntryPoint = "kill", SetLastError = true)]
    public static partial int Signal(int process, int signal);

    [LibraryImport(Library, EntryPoint = "access", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Access(string path, int mode);

    [LibraryImport(Library, EntryPoint = "prctl", SetLastError = true)]
    private static partial int ProcessControl(int option, nuint second, nuint third, nuint fourth, nuint fifth);

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    private static partial nint Call(nint number, nint first, nint second);
}
