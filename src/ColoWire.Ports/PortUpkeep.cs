// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Diagnostics;
using System.Threading;

namespace ColoWire.Ports;

/// <summary>The thread that looks after interfaces and the programs on them, every <see cref="PortLimits.UpkeepMs"/>. It is not on the way of a
/// frame: it may wait for the kernel, which takes milliseconds to close a port.</summary>
public sealed class PortUpkeep : IDisposable
{
    private readonly Action<long> look;
    private readonly ManualResetEventSlim ending = new();
    private readonly Thread thread;

    /// <summary>Makes a thread that does not run yet.</summary>
    /// <param name="look">What it does each time; it gets the time by CLOCK_MONOTONIC, in nanoseconds.</param>
    public PortUpkeep(Action<long> look)
    {
        this.look = look;
        // It is made in the network namespace of whoever starts it, as all ports are.
        thread = new Thread(Run) { Name = "colowire-upkeep", IsBackground = true };
    }

    /// <summary>Starts it.</summary>
    public void Start() => thread.Start();

    /// <summary>Ends it, once it has done what it is at.</summary>
    public void End()
    {
        ending.Set();
        if (thread.IsAlive)
        {
            thread.Join();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        End();
        ending.Dispose();
    }

    private void Run()
    {
        while (!ending.Wait(PortLimits.UpkeepMs))
        {
            look(Stopwatch.GetTimestamp());
        }
    }
}
