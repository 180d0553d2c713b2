// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Runtime.InteropServices;

namespace ColoWire.Ports.Linux;

/// <summary>Wakes a thread that sleeps in <see cref="IdleWait"/> (eventfd(2)). To raise it costs one system call and no allocation.</summary>
internal sealed unsafe class WakeSignal : IDisposable
{
    private int handle;

    /// <summary>Makes one that is not raised.</summary>
    /// <exception cref="PortException">The process may open no more files.</exception>
    public WakeSignal()
    {
        handle = Libc.EventDescriptor(0, Libc.CloseOnExec | Libc.NonBlocking);
        if (handle < 0)
        {
            throw new PortException($"no signal between threads can be had: {Marshal.GetLastPInvokeErrorMessage()}");
        }
    }

    /// <summary>A file descriptor that is readable while the signal is raised.</summary>
    public int Handle => handle;

    /// <summary>Raises it; any thread may.</summary>
    public void Raise()
    {
        ulong one = 1;
        // Fails only where so many are counted already that the next one makes no difference.
        _ = Libc.Write(handle, &one, sizeof(ulong));
    }

    /// <summary>Takes it back, for whoever has woken up.</summary>
    public void Clear()
    {
        ulong count;
        _ = Libc.Read(handle, &count, sizeof(ulong));
    }

    /// <summary>Closes it. Nobody may wait on it any more.</summary>
    public void Dispose()
    {
        if (handle >= 0)
        {
            _ = Libc.Close(handle);
            handle = -1;
        }
    }
}
