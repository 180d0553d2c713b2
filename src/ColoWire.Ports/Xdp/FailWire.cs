// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Threading;
using ColoWire.Engine;
using ColoWire.Engine.Pipelines;
using ColoWire.Ports.Linux;

namespace ColoWire.Ports.Xdp;

/// <summary>How the XDP programs are loaded, and what they do while ColoWire does not run.</summary>
/// <param name="Xdp">How <c>xdp:</c> ports are opened.</param>
/// <param name="ToWire">Fail-to-wire: frames of the primary then go straight to the out interface. Else they are dropped.</param>
/// <param name="TimeoutMs">The heartbeat timeout, in ms; see <see cref="PortLimits.FailwireTimeoutMs"/>.</param>
/// <param name="TakesOver">Interfaces are taken even from another ColoWire that runs.</param>
public readonly record struct FailWireOptions(XdpOptions Xdp, bool ToWire, int TimeoutMs, bool TakesOver = false);

/// <summary>
/// The XDP programs on the capture interfaces of an appliance, and what frames bypassed ColoWire by them. A program gives frames
/// to the sockets of an <c>xdp:</c> port, or to the kernel's stack for a <c>pcap:</c> port. While ColoWire's heartbeat is
/// missing, because the process has ended, hangs, or has handed over, the primary's program redirects frames to the out interface
/// (fail-to-wire). Where ColoWire carries the frames of clients (<see cref="InboundMode.Mirror"/>), the program of the out
/// interface then redirects those to the primary's interface.
/// </summary>
/// <remarks>
/// A <c>pcap:</c> primary has a program, too, in generic mode, which works on every interface and leaves super-frames whole; so
/// has a <c>pcap:</c> port towards the clients. A
/// <c>pcap:</c> secondary needs none: without its packet socket the kernel drops its frames. Who owns what, from the appliance to
/// the kernel:
/// <list type="bullet">
/// <item><see cref="FailWire"/>: the interface to the appliance.</item>
/// <item><see cref="ProgramLoader"/>: which port needs which program.</item>
/// <item><see cref="PortPrograms"/>: the programs of the three interfaces, and the order in which they change.</item>
/// <item><see cref="GuestFollower"/>: the guest's MAC addresses, for the program that filters the frames of clients.</item>
/// <item><see cref="BypassTally"/>: the frames that bypassed ColoWire, as they are reported.</item>
/// <item><see cref="ProgramUpkeep"/>: that each program stays attached and its maps are right, checked every 100 ms;
/// <see cref="ProgramWatch"/>: the same for one interface; <see cref="OtherProgram"/>: a program that another process has
/// attached there since.</item>
/// <item><see cref="PortProgram"/>: one loaded program of this process, and its attachment; <see cref="ProgramObjects"/>: the
/// descriptors of the program and its maps; PortProgram.Code.cs: its instructions.</item>
/// <item><see cref="Heartbeat"/>: the time of ColoWire's last sign of life, which the program reads.</item>
/// <item><see cref="PortState"/>: the layout of the memory that ColoWire and the program share; <see cref="StateMemory"/>: the
/// mapping of that memory.</item>
/// <item><see cref="EarlierProgram"/>: at the start, the program that an earlier process of ColoWire has left attached;
/// <see cref="ProgramOwner"/>: that process.</item>
/// <item><see cref="WireCheck"/>: at the start, whether redirected frames could leave by the out interface.</item> </list>
/// </remarks>
public sealed class FailWire : IDisposable
{
    /// <summary>How long frames that were on their way at the handover may take to reach a socket, in ms: the kernel delivers
    /// them at the end of a softirq, which runs for some milliseconds at most (net.core.netdev_budget_usecs).</summary>
    public const int HandOverMs = 5;

    private readonly PortPrograms programs;
    private readonly ProgramUpkeep upkeep;
    private readonly BypassTally bypasses = new();
    private readonly IReadOnlyList<PipelinePorts> pipelines;
    private readonly FailWireOptions options;
    private GuestFollower? guest;

    private FailWire(PortPrograms programs, ProgramUpkeep upkeep, IReadOnlyList<PipelinePorts> pipelines, FailWireOptions options)
    {
        this.programs = programs;
        this.upkeep = upkeep;
        this.pipelines = pipelines;
        this.options = options;
    }

    /// <summary>Whether the primary's frames go to the out interface while the heartbeat is missing.</summary>
    public bool IsArmed => programs.Primary != null && options.ToWire;

    /// <summary>Whether there is a program that needs a heartbeat.</summary>
    public bool HasPrograms => programs.IsAny;

    /// <summary>The heartbeat timeout, in milliseconds.</summary>
    public int TimeoutMs => options.TimeoutMs;

    /// <summary>What the operator should know at the start, one line each.</summary>
    public IReadOnlyList<string> Notes => programs.Notes;

    /// <summary>One line for each interface whose program is missing or was replaced: frames do not come to ColoWire, or would
    /// not bypass it if it died. Any thread may read it.</summary>
    public IReadOnlyList<string> Troubles => upkeep.Troubles;

    /// <summary>What has bypassed ColoWire so far; any thread may read it.</summary>
    public FailWireCounts Counts => bypasses.Counts;

    /// <summary>Loads the programs that the ports need, and attaches none.</summary>
    /// <param name="primary">The primary's port.</param>
    /// <param name="secondary">The secondary's port.</param>
    /// <param name="output">The out port.</param>
    /// <param name="pipelines">Those ports, open.</param>
    /// <param name="queues">The receive queue of each pipeline.</param>
    /// <param name="options">What the operator wants.</param>
    /// <exception cref="PortException">The program of an <c>xdp:</c> port cannot be loaded. A <c>pcap:</c> port does without one,
    /// and <see cref="Notes"/> says why.</exception>
    public static FailWire Load(
        PortSpec primary,
        PortSpec secondary,
        PortSpec output,
        IReadOnlyList<PipelinePorts> pipelines,
        IReadOnlyList<int> queues,
        FailWireOptions options)
    {
        ArgumentNullException.ThrowIfNull(primary);
        ArgumentNullException.ThrowIfNull(secondary);
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(pipelines);
        // Without an out interface there is nowhere to redirect frames to.
        int? wire = options.ToWire && output.Kind is (PortKind.Pcap or PortKind.Xdp) ? InterfaceIndex.Of(output.Target) : null;
        options = options with { ToWire = wire != null };
        bool redirectsClients = wire != null && pipelines[0].Inbound is not null;
        BypassWires wires = new(wire, redirectsClients ? InterfaceIndex.Of(primary.Target) : null);
        PortPrograms programs = new ProgramLoader(options, wires, output, queues).Load(primary, secondary, pipelines);
        try
        {
            return new FailWire(
                programs, new ProgramUpkeep(primary, secondary, output, programs, pipelines, queues), pipelines, options);
        }
        catch (PortException)
        {
            programs.Dispose();
            throw;
        }
    }

    /// <summary>Refuses to start where another process of ColoWire runs on a capture interface; before anything there is
    /// changed.</summary>
    /// <param name="primary">The primary's port.</param>
    /// <param name="secondary">The secondary's port.</param>
    /// <param name="world">The port towards the clients, where their frames are captured.</param>
    /// <param name="takesOver">Refuses only an interface that cannot be taken from that process.</param>
    /// <exception cref="PortException">One does.</exception>
    public static void RefuseIfInUse(PortSpec primary, PortSpec secondary, PortSpec? world, bool takesOver)
    {
        foreach (PortSpec? port in (PortSpec?[])[primary, secondary, world])
        {
            if (port?.Kind is PortKind.Pcap or PortKind.Xdp)
            {
                EarlierProgram.RefuseIfAlive(port.Target, port.Kind == PortKind.Xdp, takesOver);
            }
        }
    }

    /// <summary>Attaches the programs: from now on frames come to ColoWire. Its heartbeat must run by now.</summary>
    /// <exception cref="PortException">A program cannot be attached, or another process of ColoWire has taken the
    /// interface.</exception>
    public void TakeOver()
    {
        if (!options.TakesOver)
        {
            upkeep.RefuseIfInUse();
        }

        programs.TakeOver();
        bypasses.Add(programs.Before);
    }

    /// <summary>Lets the program of the interface towards the clients know the guest's MAC addresses. To be called before the
    /// upkeep thread runs.</summary>
    /// <param name="reader">Reads the addresses.</param>
    public void FollowGuest(GuestAddressReader reader) =>
        guest = programs.World is { } world ? new GuestFollower(world, reader) : null;

    /// <summary>Checks that the programs are attached and their maps right, every <see cref="PortLimits.UpkeepMs"/>. For the
    /// upkeep thread.</summary>
    /// <param name="nowNs">The time by CLOCK_MONOTONIC, in nanoseconds.</param>
    public void Check(long nowNs)
    {
        if (upkeep.Check(nowNs))
        {
            bypasses.Add(programs.Before);
        }

        guest?.Check();

        // Without an enumerator, which would be allocated.
        for (int i = 0; i < pipelines.Count; i++)
        {
            (pipelines[i].Primary as IHandOver)?.SetBypassed(upkeep.IsPrimaryBypassed);
            (pipelines[i].Secondary as IHandOver)?.SetBypassed(upkeep.IsSecondaryBypassed);
            (pipelines[i].Inbound?.World as IHandOver)?.SetBypassed(upkeep.IsWorldBypassed);
        }
    }

    /// <summary>Writes the heartbeat of a queue; for the path of a frame.</summary>
    /// <param name="queue">The receive queue that the calling thread serves.</param>
    /// <param name="aliveNs">When all threads behind that queue were last seen to run, by CLOCK_MONOTONIC in nanoseconds.</param>
    /// <returns>The time without a heartbeat that ends with this one, in nanoseconds; 0 where none was due.</returns>
    public long Beat(int queue, long aliveNs) => programs.Beat(queue, aliveNs);

    /// <summary>Counts a bypass: ColoWire's heartbeat was missing for longer than <see cref="TimeoutMs"/> and is back.</summary>
    /// <param name="silentNs">For how long it was missing, in nanoseconds.</param>
    /// <returns>Whether frames bypassed ColoWire, or were dropped.</returns>
    public bool NoteSilence(long silentNs) => bypasses.Take(programs, silentNs);

    /// <summary>Starts a bypass, until <see cref="StepIn"/>, because a duty has failed. The frames that the ports hold stay
    /// there. Any thread may call it.</summary>
    public void StepAside() => programs.HandOver();

    /// <summary>Ends the bypass. The heartbeat must run by now.</summary>
    /// <param name="awayNs">How long it lasted, in nanoseconds.</param>
    /// <returns>Whether frames bypassed ColoWire, or were dropped.</returns>
    public bool StepIn(long awayNs)
    {
        programs.TakeBack();
        return NoteSilence(awayNs);
    }

    /// <summary>Starts the bypass with which ColoWire stops. When this returns, the last frames have reached the ports, which are
    /// then to be received to the last one.</summary>
    public void HandOver()
    {
        if (programs is { Primary: null, World: null })
        {
            return;
        }

        programs.HandOver();
        Thread.Sleep(HandOverMs);
        foreach (PipelinePorts pipeline in pipelines)
        {
            // Frames go on coming to a port without a program, so that it could not be received to the last one.
            if (programs.Primary != null)
            {
                (pipeline.Primary as IHandOver)?.HandOver();
                (pipeline.Secondary as IHandOver)?.HandOver();
            }

            if (programs.World != null)
            {
                (pipeline.Inbound?.World as IHandOver)?.HandOver();
            }
        }
    }

    /// <summary>Closes the programs. With fail-to-wire they stay attached and in effect. No thread may write the heartbeat any
    /// more.</summary>
    public void Dispose()
    {
        upkeep.Dispose();
        programs.Dispose();
    }
}
