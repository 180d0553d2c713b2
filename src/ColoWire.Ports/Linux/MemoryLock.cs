// SPDX-License-Identifier: GPL-2.0-or-later

using System.Runtime.InteropServices;

namespace ColoWire.Ports.Linux;

/// <summary>Keeps the process in memory (mlockall(2)).</summary>
public static class MemoryLock
{
    /// <summary>MCL_CURRENT, MCL_FUTURE and MCL_ONFAULT (linux/mman.h): pages that are in memory now or later stay there. Memory
    /// that the runtime has only reserved takes none.</summary>
    private const int CurrentFutureOnFault = 1 | 2 | 4;

    /// <summary>Locks all memory of the process.</summary>
    /// <returns>Null, or why its pages may still be swapped out.</returns>
    public static string? TryLockAll() =>
        Libc.LockAllMemory(CurrentFutureOnFault) == 0 ? null : Marshal.GetLastPInvokeErrorMessage();
}
