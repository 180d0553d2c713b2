// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using ColoWire.Engine.Pipelines;
using ColoWire.Ports.Linux;

namespace ColoWire.Ports.Xdp;

/// <summary>
/// Keeps the programs of an appliance in effect: attaches one that was detached, and updates the maps when an interface was
/// removed and has come back. It belongs to the upkeep thread, except for <see cref="Troubles"/>.
/// </summary>
internal sealed class ProgramUpkeep : IDisposable
{
    private readonly PortPrograms programs;
    private readonly ProgramWatch? primaryWatch;
    private readonly ProgramWatch? secondaryWatch;
    private readonly ProgramWatch? worldWatch;
    private readonly IReadOnlyList<int> queues;
    private readonly InterfaceFollower[] followers;
    private string[] troubles = [];

    /// <summary>Begins with programs that are loaded.</summary>
    /// <param name="primary">The primary's port.</param>
    /// <param name="secondary">The secondary's port.</param>
    /// <param name="output">The out port.</param>
    /// <param name="programs">Their programs.</param>
    /// <param name="pipelines">The open ports.</param>
    /// <param name="queues">The receive queue of each pipeline.</param>
    /// <exception cref="PortException">An interface does not exist any more.</exception>
    public ProgramUpkeep(
        PortSpec primary,
        PortSpec secondary,
        PortSpec output,
        PortPrograms programs,
        IReadOnlyList<PipelinePorts> pipelines,
        IReadOnlyList<int> queues)
    {
        this.programs = programs;
        this.queues = queues;
        primaryWatch = Watch(primary, programs.Primary);
        secondaryWatch = Watch(secondary, programs.Secondary);
        worldWatch = pipelines[0].Inbound is null ? null : Watch(output, programs.World);
        followers =
        [
            .. pipelines.Select((pipeline, place) => new InterfaceFollower(
                pipeline.Primary, keeper => FollowCapture(primaryWatch, programs.Primary, place, keeper))),
            .. pipelines.Select((pipeline, place) => new InterfaceFollower(
                pipeline.Secondary, keeper => FollowCapture(secondaryWatch, programs.Secondary, place, keeper))),
            .. pipelines.Where(pipeline => pipeline.Inbound is not null).Select((pipeline, place) => new InterfaceFollower(
                pipeline.Inbound!.World, keeper => FollowCapture(worldWatch, programs.World, place, keeper))),
            new InterfaceFollower(pipelines[0].Output, keeper => programs.Primary?.SetWire(keeper.InterfaceIndex)),
            new InterfaceFollower(pipelines[0].Primary, keeper => programs.World?.SetWire(keeper.InterfaceIndex)),
        ];
    }

    /// <summary>See <see cref="FailWire.Troubles"/>.</summary>
    public IReadOnlyList<string> Troubles => Volatile.Read(ref troubles);

    /// <summary>Whether the primary's frames do not come to ColoWire, or not to it alone.</summary>
    public bool IsPrimaryBypassed => primaryWatch?.IsBypassed == true;

    /// <summary>The same for the secondary's frames.</summary>
    public bool IsSecondaryBypassed => secondaryWatch?.IsBypassed == true;

    /// <summary>The same for the frames of clients.</summary>
    public bool IsWorldBypassed => worldWatch?.IsBypassed == true;

    /// <summary>Refuses to go on where another process of ColoWire runs on an interface.</summary>
    /// <exception cref="PortException">One does.</exception>
    public void RefuseIfInUse()
    {
        primaryWatch?.RefuseIfAlive();
        secondaryWatch?.RefuseIfAlive();
        worldWatch?.RefuseIfAlive();
    }

    /// <summary>Checks the programs and their maps.</summary>
    /// <param name="nowNs">The time by CLOCK_MONOTONIC, in nanoseconds.</param>
    /// <returns>Whether the primary's interface was taken back from another process: <see cref="PortPrograms.Before"/> says what
    /// bypassed ColoWire then.</returns>
    public bool Check(long nowNs)
    {
        foreach (InterfaceFollower follower in followers)
        {
            follower.Check();
        }

        _ = worldWatch?.Check(nowNs);
        bool wasTakenBack = primaryWatch?.Check(nowNs) == true && programs.Primary is not null;
        _ = secondaryWatch?.Check(nowNs);
        if (primaryWatch?.TakeChange() == true | secondaryWatch?.TakeChange() == true | worldWatch?.TakeChange() == true)
        {
            string?[] all = [primaryWatch?.Trouble, secondaryWatch?.Trouble, worldWatch?.Trouble];
            Volatile.Write(ref troubles, [.. all.OfType<string>()]);
        }

        return wasTakenBack;
    }

    /// <summary>Closes the netlink sockets.</summary>
    public void Dispose()
    {
        primaryWatch?.Dispose();
        secondaryWatch?.Dispose();
        worldWatch?.Dispose();
    }

    private static ProgramWatch? Watch(PortSpec port, PortProgram? program) =>
        port.Kind is PortKind.Pcap or PortKind.Xdp ? new ProgramWatch(port.Target, program) : null;

    /// <summary>A capture interface was opened again: its program goes to the new interface, and the map gets the new
    /// socket.</summary>
    private void FollowCapture(ProgramWatch? watch, PortProgram? program, int pipeline, IPortKeeper keeper)
    {
        if (program is { Options.ToSocket: true })
        {
            program.SetSocket(queues[pipeline], keeper.Descriptor);
        }

        // All pipelines have the same interface.
        if (pipeline == 0)
        {
            watch?.Follow(keeper.InterfaceIndex);
        }
    }
}

/// <summary>Notices that a port's interface was opened again.</summary>
/// <param name="port">The port, of any kind.</param>
/// <param name="follow">What is to be done then.</param>
internal sealed class InterfaceFollower(object port, Action<IPortKeeper> follow)
{
    private readonly IPortKeeper? keeper = (port as IKeptPort)?.Keeper;
    private int seen = 1;

    /// <summary>Checks. What fails now is tried again at the next check.</summary>
    public void Check()
    {
        if (keeper is null || keeper.Opened == seen || keeper.InterfaceIndex == 0)
        {
            return;
        }

        int opened = keeper.Opened;
        try
        {
            follow(keeper);
            seen = opened;
        }
        catch (PortException)
        {
            // The interface was removed again in this moment.
        }
    }
}
