// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Ports.Linux;

namespace ColoWire.Ports.Xdp;

/// <summary>What the XDP program of a capture interface is to do.</summary>
/// <param name="Mode">Where it runs.</param>
/// <param name="ToSocket">It gives frames to AF_XDP sockets; else to the kernel's stack, from which a packet socket gets
/// them.</param>
/// <param name="TimeoutMs">The heartbeat timeout, in ms; 0: a heartbeat never times out, so that nothing passes when ColoWire
/// dies.</param>
/// <param name="WireInterfaceIndex">The interface on the other side, to which it redirects frames while the heartbeat is missing;
/// null drops them.</param>
/// <param name="OutlivesProcess">It stays attached when it is disposed of, as it does when the process dies.</param>
/// <param name="FromClients">Frames come from clients; those that concern no guest (R15) are then not redirected.</param>
public sealed record PortProgramOptions(
    XdpMode Mode, bool ToSocket, int TimeoutMs, int? WireInterfaceIndex, bool OutlivesProcess, bool FromClients = false);

/// <summary>
/// The XDP program of one capture interface (native-config/xdp/port.bpf.c): loaded into the kernel, and attached by
/// <see cref="TakeOver"/>. For each frame it decides between ColoWire and, while ColoWire's heartbeat is missing, the
/// interface on the other side. <see cref="FailWire"/> says what belongs to it.
/// </summary>
public sealed unsafe partial class PortProgram : IDisposable
{
    /// <summary>Receive queues of an interface that can have a socket (MAX_QUEUES of port.bpf.c).</summary>
    public const int MaxQueues = 64;

    /// <summary>The name of the program in the kernel, by which an earlier process's is recognised.</summary>
    public const string Name = "colowire_port";

    private readonly string interfaceName;
    private int interfaceIndex;
    private readonly PortProgramOptions options;
    private readonly ProgramObjects objects;
    private readonly PortState state;
    private readonly Heartbeat heartbeat;

    private PortProgram(string interfaceName, int interfaceIndex, PortProgramOptions options, ProgramObjects objects)
    {
        this.interfaceName = interfaceName;
        this.interfaceIndex = interfaceIndex;
        this.options = options;
        this.objects = objects;
        Id = Bpf.ProgramInfo(objects.Program).Id;
        state = objects.State;
        state.Configure(options.TimeoutMs, passWhenAlive: !options.ToSocket, options.FromClients);
        state.HandedOverAtNs = Heartbeat.NowNs;
        state.Owner = ProgramOwner.ThisProcess;
        state.OwnedSinceNs = Heartbeat.NowNs;
        heartbeat = new Heartbeat(state, options.TimeoutMs);
    }

    /// <summary>Frames that were given to a socket.</summary>
    public long ToSocketFrames => state.ToSocket;

    /// <summary>Frames that were given to the kernel's stack for ColoWire.</summary>
    public long PassedFrames => state.Passed;

    /// <summary>Frames that were redirected to the interface on the other side, because the heartbeat was missing.</summary>
    public long ToWireFrames => state.ToWire;

    /// <summary>Frames that were dropped, because the heartbeat was missing.</summary>
    public long DroppedFrames => state.Dropped;

    /// <summary>Frames of clients that concern no guest and were dropped, because the heartbeat was missing.</summary>
    public long FilteredFrames => state.Filtered;

    /// <summary>The kernel's id of the program.</summary>
    internal uint Id { get; }

    /// <summary>What it is to do.</summary>
    internal PortProgramOptions Options => options;

    /// <summary>What bypassed ColoWire before the last <see cref="TakeOver"/>; null where no program of ColoWire was on the
    /// interface.</summary>
    public Bypass? Before { get; private set; }

    /// <summary>The last heartbeat of any queue, by CLOCK_MONOTONIC in nanoseconds; 0 for none.</summary>
    internal long LastBeatNs => state.LastBeatNs;

    /// <summary>The descriptor of the program.</summary>
    internal int Descriptor => objects.Program;

    /// <summary>Creates the maps and loads the program; attaches nothing.</summary>
    /// <exception cref="PortException">There is no such interface, permission is lacking, or the kernel refuses the
    /// program.</exception>
    public static PortProgram Load(string interfaceName, PortProgramOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        int interfaceIndex = InterfaceIndex.Of(interfaceName);
        ProgramObjects objects = ProgramObjects.Make();
        try
        {
            if (options is { WireInterfaceIndex: { } wire, TimeoutMs: not 0 })
            {
                objects.SetWire(wire);
            }

            return new PortProgram(interfaceName, interfaceIndex, options, objects);
        }
        catch
        {
            objects.Dispose();
            throw;
        }
    }

    /// <summary>The interface was removed and has come back with another index. The program is not attached there yet.</summary>
    internal void Follow(int newInterfaceIndex) => interfaceIndex = newInterfaceIndex;

    /// <summary>Sets the interface to which frames are redirected, where the one before was removed.</summary>
    internal void SetWire(int wireInterfaceIndex)
    {
        if (options is { WireInterfaceIndex: not null, TimeoutMs: not 0 })
        {
            objects.SetWire(wireInterfaceIndex);
        }
    }

    /// <summary>Adds a MAC address of the guest; see <see cref="ProgramObjects.AddGuest"/>.</summary>
    /// <exception cref="PortException">The kernel refuses.</exception>
    internal void AddGuest(ulong address) => objects.AddGuest(address);

    /// <summary>Sets the socket that gets the frames of a queue; it is bound to that queue of the interface.</summary>
    /// <exception cref="PortException">The queue's number is too great, or the kernel refuses the socket.</exception>
    public void SetSocket(int queue, int socketDescriptor)
    {
        if ((uint)queue >= MaxQueues)
        {
            throw new PortException($"queue {queue}: an interface can have queues 0 to {MaxQueues - 1} for sockets");
        }

        objects.SetSocket(queue, socketDescriptor);
    }

    /// <summary>Writes the heartbeat of a queue; see <see cref="Heartbeat.Beat"/>. The heartbeat of queue 0 is that of the whole
    /// interface where frames go through the kernel's stack.</summary>
    public long Beat(int queue, long nowNs) => heartbeat.Beat(queue, nowNs);

    /// <summary>Starts a bypass; see <see cref="Heartbeat.HandOver"/>. The program stays attached.</summary>
    public void HandOver() => heartbeat.HandOver();

    /// <summary>Ends a bypass, with the next heartbeat.</summary>
    public void TakeBack() => heartbeat.TakeBack();

    /// <summary>The frames that bypassed ColoWire since this was asked last, in this process or an earlier one: each is reported
    /// once.</summary>
    public BypassedFrames TakeBypassed()
    {
        BypassedFrames frames = BypassedFrames.NotReported(state);
        state.ReportedToWire += frames.ToWire;
        state.ReportedDropped += frames.Dropped;
        return frames;
    }

    /// <summary>For tests: the program belongs to another process.</summary>
    internal void OwnAs(long owner) => state.Owner = owner;

    /// <summary>Closes the descriptors, and detaches the program where it is not to outlive the process. No thread may write the
    /// heartbeat any more.</summary>
    public void Dispose()
    {
        if (!options.OutlivesProcess)
        {
            // It fails where another program is attached by now, or the interface is gone: then there is nothing to detach.
            _ = RouteNetlink.Attach(interfaceIndex, options.Mode, RouteNetlink.NoProgram, expected: objects.Program);
        }

        objects.Dispose();
    }
}
