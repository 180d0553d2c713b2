// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using ColoWire.Engine;
using ColoWire.Engine.Frames;

namespace ColoWire.Ports.Xdp;

/// <summary>What becomes of frames while no ColoWire takes them.</summary>
/// <param name="Xdp">How <c>xdp:</c> ports get theirs.</param>
/// <param name="ToWire">The primary's go straight to the out interface; else nothing leaves.</param>
/// <param name="TimeoutMs">How long ColoWire may be silent.</param>
public readonly record struct FailWireOptions(XdpOptions Xdp, bool ToWire, int TimeoutMs);

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
    private readonly IReadOnlyList<LanePorts> lanes;
    private readonly Lock telling = new();
    private FailWireCounts counts;

    private FailWire(PortProgram? primary, PortProgram? secondary, IReadOnlyList<LanePorts> lanes, FailWireOptions options, IReadOnlyList<string> notes)
    {
        this.primary = primary;
        this.secondary = secondary;
        this.lanes = lanes;
        IsArmed = primary != null && options.ToWire;
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
    /// <param name="lanes">Those ports, open.</param>
    /// <param name="queues">The queue of each lane.</param>
    /// <param name="options">What the operator wants.</param>
    /// <exception cref="PortException">The program of an <c>xdp:</c> port cannot be loaded. A <c>pcap:</c> port goes without: see
    /// <see cref="Notes"/>.</exception>
    public static FailWire Load(
        PortSpec primary, PortSpec secondary, PortSpec output, IReadOnlyList<LanePorts> lanes, IReadOnlyList<int> queues, FailWireOptions options)
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
                primaryProgram = LoadForSockets(primary, wire, options, [.. lanes.Select(lane => lane.Primary)], queues);
                notes = wire == null ? [] : WireCheck.Warnings(primary.Target, output.Target, options.Xdp.Mode);
            }
            else if (primary.Kind == PortKind.Pcap && wire != null)
            {
                (primaryProgram, notes) = TryLoadForStack(primary, output, wire.Value, options);
            }

            if (secondary.Kind == PortKind.Xdp)
            {
                secondaryProgram = LoadForSockets(secondary, null, options, [.. lanes.Select(lane => lane.Secondary)], queues);
            }

            return new FailWire(primaryProgram, secondaryProgram, lanes, options, notes);
        }
        catch (PortException)
        {
            primaryProgram?.Dispose();
            secondaryProgram?.Dispose();
            throw;
        }
    }

    /// <summary>Attaches the programs: from now on frames come to ColoWire, which must beat by now.</summary>
    /// <exception cref="PortException">A program cannot be attached.</exception>
    public void TakeOver()
    {
        // The secondary first: a frame of the primary that comes before its twin waits for it.
        secondary?.TakeOver();
        primary?.TakeOver();
        Absence? before = primary?.Before;
        if (before != null)
        {
            lock (telling)
            {
                counts = counts.With(before.AwayNs, before.FramesToWire, before.FramesDropped);
            }
        }
    }

    /// <summary>Says that ColoWire lives; for the path of a frame.</summary>
    /// <param name="queue">The queue that the calling thread serves.</param>
    /// <param name="aliveNs">When all threads behind that queue were last seen alive, by CLOCK_MONOTONIC.</param>
    public void Beat(int queue, long aliveNs)
    {
        primary?.Beat(queue, aliveNs);
        secondary?.Beat(queue, aliveNs);
    }

    /// <summary>ColoWire was silent for longer than <see cref="TimeoutMs"/> and beats again.</summary>
    /// <param name="silentNs">For how long.</param>
    /// <returns>Whether frames went past it, or were dropped.</returns>
    public bool NoteSilence(long silentNs)
    {
        lock (telling)
        {
            PassedBy ofPrimary = primary?.TakePassedBy() ?? default;
            PassedBy ofSecondary = secondary?.TakePassedBy() ?? default;
            long dropped = ofPrimary.Dropped + ofSecondary.Dropped;
            if (ofPrimary.ToWire == 0 && dropped == 0)
            {
                return false;
            }

            counts = counts.With(silentNs, ofPrimary.ToWire, dropped);
            return true;
        }
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
        foreach (LanePorts lane in lanes)
        {
            (lane.Primary as IHandOver)?.HandOver();
            (lane.Secondary as IHandOver)?.HandOver();
        }
    }

    /// <summary>Closes the programs; they go on in the kernel where frames are to go on. No thread may beat any more.</summary>
    public void Dispose()
    {
        primary?.Dispose();
        secondary?.Dispose();
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

/// <summary>What has gone past an appliance.</summary>
/// <param name="Absences">How often frames went past it.</param>
/// <param name="AwayNs">How long it was away, all of these together, in nanoseconds.</param>
/// <param name="ToWire">Frames of the primary that went straight to the out interface.</param>
/// <param name="Dropped">Frames of either side that went nowhere.</param>
public readonly record struct FailWireCounts(long Absences, long AwayNs, long ToWire, long Dropped)
{
    internal FailWireCounts With(long awayNs, long toWire, long dropped) =>
        new(Absences + 1, AwayNs + awayNs, ToWire + toWire, Dropped + dropped);
}
