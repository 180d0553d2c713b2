// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Pipelines;
using ColoWire.Ports.Linux;

namespace ColoWire.Ports.Xdp;

/// <summary>What becomes of frames while no ColoWire takes them.</summary>
/// <param name="Xdp">How <c>xdp:</c> ports get theirs.</param>
/// <param name="ToWire">The primary's go straight to the out interface; else nothing leaves.</param>
/// <param name="TimeoutMs">How long ColoWire may be silent.</param>
/// <param name="TakesOver">Interfaces are taken even from another ColoWire that runs.</param>
public readonly record struct FailWireOptions(XdpOptions Xdp, bool ToWire, int TimeoutMs, bool TakesOver = false);

/// <summary>
/// The XDP programs on the capture interfaces of an appliance. They hand frames to the sockets of its <c>xdp:</c> ports, and send the
/// primary's past ColoWire while that does not beat: it was killed, hangs, or has handed over because it stops.
/// </summary>
/// <remarks>
/// A <c>pcap:</c> primary has the program too, in generic mode, which every interface can and which leaves super-frames whole; its
/// secondary needs none, because frames that nobody captures go nowhere.
/// </remarks>
public sealed class FailWire : IDisposable
{
    /// <summary>How long frames that were on their way when it handed over may take to come: the kernel hands them out at the end of a
    /// softirq, which has some milliseconds at most (net.core.netdev_budget_usecs).</summary>
    public const int HandOverMs = 5;

    private const int ClosedMs = 0;

    private readonly PortProgram? primary;
    private readonly PortProgram? secondary;
    private readonly ProgramWatch? primaryWatch;
    private readonly ProgramWatch? secondaryWatch;
    private readonly IReadOnlyList<PipelinePorts> pipelines;
    private readonly IReadOnlyList<int> queues;
    private readonly InterfaceFollower[] followers;
    private readonly bool takesOver;
    private readonly Lock telling = new();
    private FailWireCounts counts;
    private string[] troubles = [];

    private FailWire(
        (PortSpec Port, PortProgram? Program) primary,
        (PortSpec Port, PortProgram? Program) secondary,
        IReadOnlyList<PipelinePorts> pipelines,
        IReadOnlyList<int> queues,
        FailWireOptions options,
        IReadOnlyList<string> notes)
    {
        this.queues = queues;
        this.primary = primary.Program;
        this.secondary = secondary.Program;
        this.pipelines = pipelines;
        takesOver = options.TakesOver;
        primaryWatch = Watch(primary.Port, primary.Program);
        secondaryWatch = Watch(secondary.Port, secondary.Program);
        followers =
        [
            .. pipelines.Select((pipeline, place) => new InterfaceFollower(pipeline.Primary, keeper => FollowCapture(primaryWatch, this.primary, place, keeper))),
            .. pipelines.Select((pipeline, place) => new InterfaceFollower(pipeline.Secondary, keeper => FollowCapture(secondaryWatch, this.secondary, place, keeper))),
            new InterfaceFollower(pipelines[0].Output, keeper => this.primary?.SetWire(keeper.InterfaceIndex)),
        ];
        IsArmed = primary.Program != null && options.ToWire;
        TimeoutMs = options.TimeoutMs;
        Notes = notes;
    }

    /// <summary>Whether the primary's frames go on when ColoWire does not.</summary>
    public bool IsArmed { get; }

    /// <summary>Whether there is a program to beat for.</summary>
    public bool HasPrograms => primary != null || secondary != null;

    /// <summary>How long ColoWire may be silent, in milliseconds.</summary>
    public int TimeoutMs { get; }

    /// <summary>What an operator should know of it, a line each.</summary>
    public IReadOnlyList<string> Notes { get; }

    /// <summary>Why frames do not come to ColoWire, or would not go past it when it died: a line for each interface whose program is gone or was
    /// replaced. Any thread may read it.</summary>
    public IReadOnlyList<string> Troubles => Volatile.Read(ref troubles);

    /// <summary>What has gone past ColoWire so far; any thread may read it.</summary>
    public FailWireCounts Counts
    {
        get
        {
            lock (telling)
            {
                return counts;
            }
        }
    }

    /// <summary>Loads the programs that the ports need; attaches none.</summary>
    /// <param name="primary">The primary's port.</param>
    /// <param name="secondary">The secondary's port.</param>
    /// <param name="output">The out port.</param>
    /// <param name="pipelines">Those ports, open.</param>
    /// <param name="queues">The queue of each pipeline.</param>
    /// <param name="options">What the operator wants.</param>
    /// <exception cref="PortException">The program of an <c>xdp:</c> port cannot be loaded. A <c>pcap:</c> port goes without: see
    /// <see cref="Notes"/>.</exception>
    public static FailWire Load(
        PortSpec primary, PortSpec secondary, PortSpec output, IReadOnlyList<PipelinePorts> pipelines, IReadOnlyList<int> queues, FailWireOptions options)
    {
        ArgumentNullException.ThrowIfNull(primary);
        ArgumentNullException.ThrowIfNull(secondary);
        ArgumentNullException.ThrowIfNull(output);
        int? wire = options.ToWire && output.Kind is (PortKind.Pcap or PortKind.Xdp) ? InterfaceIndex.Of(output.Target) : null;
        options = options with { ToWire = wire != null };
        RemoveEarlier(primary, needed: wire != null);
        RemoveEarlier(secondary, needed: false);

        PortProgram? primaryProgram = null;
        PortProgram? secondaryProgram = null;
        IReadOnlyList<string> notes = [];
        try
        {
            if (primary.Kind == PortKind.Xdp)
            {
                primaryProgram = LoadForSockets(primary, wire, options, [.. pipelines.Select(pipeline => pipeline.Primary)], queues);
                notes = wire == null ? [] : WireCheck.Warnings(primary.Target, output.Target, options.Xdp.Mode);
            }
            else if (primary.Kind == PortKind.Pcap && wire != null)
            {
                (primaryProgram, notes) = TryLoadForStack(primary, output, wire.Value, options);
            }

            if (secondary.Kind == PortKind.Xdp)
            {
                secondaryProgram = LoadForSockets(secondary, null, options, [.. pipelines.Select(pipeline => pipeline.Secondary)], queues);
            }

            return new FailWire((primary, primaryProgram), (secondary, secondaryProgram), pipelines, queues, options, notes);
        }
        catch (PortException)
        {
            primaryProgram?.Dispose();
            secondaryProgram?.Dispose();
            throw;
        }
    }

    /// <summary>Makes sure that no other process of ColoWire's runs on the capture interfaces: before anything of theirs is touched.</summary>
    /// <exception cref="PortException">One does.</exception>
    public static void RefuseIfInUse(PortSpec primary, PortSpec secondary)
    {
        foreach (PortSpec port in (PortSpec[])[primary, secondary])
        {
            if (port.Kind is PortKind.Pcap or PortKind.Xdp)
            {
                EarlierProgram.RefuseIfAlive(port.Target);
            }
        }
    }

    /// <summary>Attaches the programs: from now on frames come to ColoWire, which must beat by now.</summary>
    /// <exception cref="PortException">A program cannot be attached, or another process of ColoWire's has come to the interface.</exception>
    public void TakeOver()
    {
        if (!takesOver)
        {
            primaryWatch?.RefuseIfAlive();
            secondaryWatch?.RefuseIfAlive();
        }

        // The secondary first: a frame of the primary that comes before its twin waits for it.
        secondary?.TakeOver();
        primary?.TakeOver();
        Count(primary?.Before);
    }

    /// <summary>Looks whether the programs are still where they belong, every <see cref="PortLimits.UpkeepMs"/>; not on the way of a frame.</summary>
    /// <param name="nowNs">The time by CLOCK_MONOTONIC.</param>
    public void LookAfter(long nowNs)
    {
        foreach (InterfaceFollower follower in followers)
        {
            follower.Look();
        }

        if (primaryWatch?.Look(nowNs) == true)
        {
            Count(primary?.Before);
        }

        _ = secondaryWatch?.Look(nowNs);
        if (primaryWatch?.TakeNews() == true | secondaryWatch?.TakeNews() == true)
        {
            Volatile.Write(ref troubles, [.. new[] { primaryWatch?.Trouble, secondaryWatch?.Trouble }.OfType<string>()]);
        }

        // Without an enumerator: this is done all the time.
        for (int i = 0; i < pipelines.Count; i++)
        {
            (pipelines[i].Primary as IHandOver)?.SetBypassed(primaryWatch?.IsBypassed == true);
            (pipelines[i].Secondary as IHandOver)?.SetBypassed(secondaryWatch?.IsBypassed == true);
        }
    }

    /// <summary>Says that ColoWire lives; for the path of a frame.</summary>
    /// <param name="queue">The queue that the calling thread serves.</param>
    /// <param name="aliveNs">When all threads behind that queue were last seen alive, by CLOCK_MONOTONIC.</param>
    /// <returns>For how long the programs saw no beat until this one, in nanoseconds; 0 where none was due.</returns>
    public long Beat(int queue, long aliveNs) => Math.Max(primary?.Beat(queue, aliveNs) ?? 0, secondary?.Beat(queue, aliveNs) ?? 0);

    /// <summary>ColoWire was silent for longer than <see cref="TimeoutMs"/> and beats again.</summary>
    /// <param name="silentNs">For how long.</param>
    /// <returns>Whether frames went past it, or were dropped.</returns>
    public bool NoteSilence(long silentNs)
    {
        lock (telling)
        {
            BypassedFrames ofPrimary = primary?.TakeBypassed() ?? default;
            BypassedFrames ofSecondary = secondary?.TakeBypassed() ?? default;
            long dropped = ofPrimary.Dropped + ofSecondary.Dropped;
            if (ofPrimary.ToWire == 0 && dropped == 0)
            {
                return false;
            }

            counts = counts.With(silentNs, ofPrimary.ToWire, dropped);
            return true;
        }
    }

    /// <summary>From now on frames go past ColoWire, without its death or silence, until <see cref="StepIn"/>: a duty has failed.
    /// What the ports have stays in them. Any thread may call it.</summary>
    public void StepAside()
    {
        primary?.HandOver();
        secondary?.HandOver();
    }

    /// <summary>Frames come to ColoWire again, which beats by now.</summary>
    /// <param name="awayNs">How long they went past.</param>
    /// <returns>Whether any did.</returns>
    public bool StepIn(long awayNs)
    {
        // The secondary first, as at the start: a frame of the primary that comes before its twin waits for it.
        secondary?.TakeBack();
        primary?.TakeBack();
        return NoteSilence(awayNs);
    }

    /// <summary>From now on frames go past ColoWire. Those on their way come within <see cref="HandOverMs"/>; then what the ports have is
    /// to be received to the last.</summary>
    public void HandOver()
    {
        if (primary == null)
        {
            return;
        }

        primary.HandOver();
        secondary?.HandOver();
        Thread.Sleep(HandOverMs);
        foreach (PipelinePorts pipeline in pipelines)
        {
            (pipeline.Primary as IHandOver)?.HandOver();
            (pipeline.Secondary as IHandOver)?.HandOver();
        }
    }

    /// <summary>Closes the programs; they go on in the kernel where frames are to go on. No thread may beat any more.</summary>
    public void Dispose()
    {
        primaryWatch?.Dispose();
        secondaryWatch?.Dispose();
        primary?.Dispose();
        secondary?.Dispose();
    }

    private static ProgramWatch? Watch(PortSpec port, PortProgram? program) =>
        port.Kind is PortKind.Pcap or PortKind.Xdp ? new ProgramWatch(port.Target, program) : null;

    /// <summary>A capture interface was opened anew: its program and the map of its sockets are to follow.</summary>
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

    private void Count(Bypass? before)
    {
        if (before != null)
        {
            lock (telling)
            {
                counts = counts.With(before.AwayNs, before.FramesToWire, before.FramesDropped);
            }
        }
    }

    private static void RemoveEarlier(PortSpec port, bool needed)
    {
        if (port.Kind == PortKind.Pcap && !needed)
        {
            PortProgram.RemoveEarlier(port.Target);
        }
    }

    private static PortProgram LoadForSockets(
        PortSpec port, int? wire, FailWireOptions options, IReadOnlyList<ICapturePort> queuePorts, IReadOnlyList<int> queues)
    {
        PortProgram program = PortProgram.Load(
            port.Target, new PortProgramOptions(options.Xdp.Mode, ToSocket: true, Timeout(options), wire, OutlivesProcess: options.ToWire));
        foreach ((ICapturePort queuePort, int queue) in queuePorts.Zip(queues))
        {
            program.SetSocket(queue, ((XdpCapturePort)queuePort).WaitHandle);
        }

        return program;
    }

    private static (PortProgram? Program, IReadOnlyList<string> Notes) TryLoadForStack(
        PortSpec port, PortSpec output, int wire, FailWireOptions options)
    {
        int interfaceIndex = InterfaceIndex.Of(port.Target);
        // Whoever may not see whose program it is may not start: it may send frames past this ColoWire.
        EarlierProgram.Find(port.Target, interfaceIndex, mayBeForeign: true)?.Dispose();
        try
        {
            EarlierProgram.Find(port.Target, interfaceIndex)?.Dispose();
            PortProgramOptions wanted = new(XdpMode.Generic, ToSocket: false, Timeout(options), wire, OutlivesProcess: true);
            return (PortProgram.Load(port.Target, wanted), WireCheck.Warnings(port.Target, output.Target, XdpMode.Generic));
        }
        catch (PortException exception)
        {
            return (null, [$"on_death is block, because {exception.Message}"]);
        }
    }

    private static int Timeout(FailWireOptions options) => options.ToWire ? options.TimeoutMs : ClosedMs;
}

/// <summary>Notices that a port's interface was opened anew.</summary>
/// <param name="port">The port, of whatever kind.</param>
/// <param name="follow">What is to be done then.</param>
internal sealed class InterfaceFollower(object port, Action<IPortKeeper> follow)
{
    private readonly IPortKeeper? keeper = (port as IKeptPort)?.Keeper;
    private int seen = 1;

    /// <summary>Looks. What cannot be done now is tried again at the next look.</summary>
    public void Look()
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
            // The interface went away again in this moment.
        }
    }
}

/// <summary>What has gone past an appliance.</summary>
/// <param name="Bypasses">How often frames went past it.</param>
/// <param name="AwayNs">How long it was away, all of these together, in nanoseconds.</param>
/// <param name="ToWire">Frames of the primary that went straight to the out interface.</param>
/// <param name="Dropped">Frames of either side that went nowhere.</param>
public readonly record struct FailWireCounts(long Bypasses, long AwayNs, long ToWire, long Dropped)
{
    internal FailWireCounts With(long awayNs, long toWire, long dropped) =>
        new(Bypasses + 1, AwayNs + awayNs, ToWire + toWire, Dropped + dropped);
}
