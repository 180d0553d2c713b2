// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Runtime.InteropServices;

namespace ColoWire.Ports.Linux;

/// <summary>Wakes a thread that sleeps in <see cref="IdleWait"/> (eventfd(2)). Raising it costs one system call and no
/// allocation.</summary>
internal sealed unsafe class WakeSignal : IDisposable
{
    private int handle;

    /// <summary>Creates a signal that is not raised.</summary>
    /// <exception cref="PortException">The process may open no more files.</exception>
    public WakeSignal()
    {
        handle = Libc.EventDescriptor(0, Libc.CloseOnExec | Libc.NonBlocking);
        if (handle < 0)
        {
            throw new PortException($"cannot create a signal between threads (eventfd): {Marshal.GetLastPInvokeErrorMessage()}");
        }
    }

    /// <summary>A file descriptor that is readable while the signal is raised.</summary>
    public int Handle => handle;

    /// <summary>Raises the signal; any thread may.</summary>
    public void Raise()
    {
        ulong one = 1;
        // Fails only when the counter is about to overflow; the signal is raised then anyway.
        _ = Libc.Write(handle, &one, sizeof(ulong));
    }

    /// <summary>Resets the signal, after a wake-up.</summary>
    public void Clear()
    {
        ulong count;
        _ = Libc.Read(handle, &count, sizeof(ulong));
    }

    /// <summary>Closes the descriptor. No thread may wait for it any more.</summary>
    public void Dispose()
    {
        if (handle >= 0)
        {
            _ = Libc.Close(handle);
            handle = -1;
        }
    }
}
