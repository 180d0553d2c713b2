// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Threading;
using ColoWire.Engine.Pipelines;
using ColoWire.Ports.Linux;
using ColoWire.Ports.Xdp;

namespace ColoWire.Ports;

/// <summary>The upkeep thread: checks the interfaces of the live ports and the programs on them, every
/// <see cref="PortLimits.UpkeepMs"/>. No frame waits for it, so it may wait for the kernel, which takes milliseconds to close a
/// port.</summary>
public sealed class PortUpkeep : IDisposable
{
    private readonly IPortKeeper[] keepers;
    private readonly FailWire? failWire;
    private readonly ManualResetEventSlim ending = new();
    private readonly Thread thread;

    /// <summary>Creates the thread; it does not run yet.</summary>
    /// <param name="pipelines">The ports.</param>
    /// <param name="failWire">The programs on their interfaces; null for none.</param>
    public PortUpkeep(IReadOnlyList<PipelinePorts> pipelines, FailWire? failWire)
    {
        IEnumerable<object> ports = pipelines.SelectMany(
            pipeline => (object?[])
            [
                pipeline.Primary, pipeline.Secondary, pipeline.Output,
                pipeline.Inbound?.World, pipeline.Inbound?.ToPrimary, pipeline.Inbound?.ToSecondary,
            ]).OfType<object>();
        keepers = [.. ports.OfType<IKeptPort>().Select(port => port.Keeper)];
        this.failWire = failWire;
        // The thread inherits the network namespace of the thread that creates it, in which all ports are.
        thread = new Thread(Run) { Name = "colowire-upkeep", IsBackground = true };
    }

    /// <summary>Starts the thread.</summary>
    public void Start() => thread.Start();

    /// <summary>Ends the thread, after the check that it may be in.</summary>
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
            foreach (IPortKeeper keeper in keepers)
            {
                keeper.Check();
            }

            failWire?.Check(Stopwatch.GetTimestamp());
        }
    }
}
