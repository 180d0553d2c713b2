// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Diagnostics;
using System.Linq;
using System.Threading;
using ColoWire.Ports.Linux;

namespace ColoWire.Ports.Xdp;

/// <summary>The program that another process of ColoWire has attached to an interface, usually one that has ended
/// since.</summary>
internal sealed class EarlierProgram : IDisposable
{
    private readonly string interfaceName;

    internal EarlierProgram(string interfaceName, int descriptor, XdpMode mode)
    {
        this.interfaceName = interfaceName;
        Descriptor = descriptor;
        Mode = mode;
    }

    /// <summary>The descriptor of the program.</summary>
    public int Descriptor { get; }

    /// <summary>Where the program runs.</summary>
    public XdpMode Mode { get; }

    /// <summary>Whether it gives frames to AF_XDP sockets; false where its state has another layout.</summary>
    private bool FeedsSockets
    {
        get
        {
            using StateMemory? memory = OpenState();
            return memory?.State.PassesWhenAlive == false;
        }
    }

    /// <summary>Looks for the program.</summary>
    /// <param name="interfaceName">The interface.</param>
    /// <param name="interfaceIndex">The index of the interface.</param>
    /// <param name="mayBeForeign">A program that is not ColoWire's counts as none; else it is an error.</param>
    /// <returns>Null when there is no such program on the interface.</returns>
    /// <exception cref="PortException">A program there is not ColoWire's, or this process has no permission to read whose it
    /// is.</exception>
    public static EarlierProgram? Find(string interfaceName, int interfaceIndex, bool mayBeForeign = false)
    {
        if (RouteNetlink.Attached(interfaceIndex) is not { } attached)
        {
            return null;
        }

        int descriptor = Bpf.OpenProgram(attached.Id);
        if (descriptor < 0)
        {
            return null;
        }

        string name = Bpf.ProgramInfo(descriptor).Name;
        if (name == PortProgram.Name)
        {
            return new EarlierProgram(interfaceName, descriptor, attached.Mode);
        }

        _ = Libc.Close(descriptor);
        return mayBeForeign ? null : throw new PortException(Foreign(interfaceName, name, attached));
    }

    /// <summary>The line about a program that is not ColoWire's.</summary>
    public static string Foreign(string interfaceName, string name, AttachedProgram attached) =>
        $"interface '{interfaceName}' has an XDP program that is not ColoWire's ('{name}', id {attached.Id}); "
        + $"remove it with: ip link set dev {interfaceName} {(attached.Mode == XdpMode.Native ? "xdp" : "xdpgeneric")} off";

    /// <summary>Refuses an interface on which another process of ColoWire runs: that one would get no more frames, without an
    /// error.</summary>
    /// <param name="interfaceName">The interface.</param>
    /// <param name="needsQueues">Whether the port binds AF_XDP sockets. The kernel binds a queue to the memory of one process
    /// only (xp_assign_dev, net/xdp/xsk_buff_pool.c), so such a port cannot take queues from the sockets of another
    /// process.</param>
    /// <param name="takesOver">Refuses only what cannot be taken.</param>
    /// <exception cref="PortException">One runs there.</exception>
    public static void RefuseIfAlive(string interfaceName, bool needsQueues = false, bool takesOver = false)
    {
        if (InterfaceIndex.Find(interfaceName) is not { } index)
        {
            // The port that opens it reports that it does not exist.
            return;
        }

        using EarlierProgram? earlier = Find(interfaceName, index, mayBeForeign: true);
        if (earlier?.FindLivingOwner() is not { } owner)
        {
            return;
        }

        bool isTakeable = !needsQueues || !earlier.FeedsSockets;
        if (!takesOver || !isTakeable)
        {
            throw new PortException(
                $"interface '{interfaceName}' is in use by another ColoWire{owner}; end that one first"
                + (owner.ProcessId is int id ? $" (kill {id})" : string.Empty)
                + (isTakeable
                    ? ", name another interface, or take this one away from it with --take-over"
                    : ", or name another interface; --take-over cannot take it, because both are xdp: ports and the kernel gives "
                        + "a queue to one process only"));
        }
    }

    /// <summary>Detaches the program.</summary>
    /// <exception cref="PortException">The kernel refuses, or another program is attached by now.</exception>
    public void Detach(int interfaceIndex)
    {
        NetlinkAnswer answer = RouteNetlink.Attach(interfaceIndex, Mode, RouteNetlink.NoProgram, expected: Descriptor);
        if (answer.Error != 0)
        {
            throw new PortException($"cannot detach the earlier XDP program from interface '{interfaceName}': {answer.Reason}");
        }
    }

    /// <summary>What its state says about the time since the last heartbeat.</summary>
    /// <param name="nowNs">The time by CLOCK_MONOTONIC, in nanoseconds.</param>
    /// <returns>Null when the program is of a version of ColoWire whose state has another layout.</returns>
    public Bypass? Bypass(long nowNs)
    {
        using StateMemory? memory = OpenState();
        if (memory is null)
        {
            return null;
        }

        BypassedFrames frames = BypassedFrames.NotReported(memory.State);
        long lastBeatNs = memory.State.LastBeatNs;
        bool cleanStop = lastBeatNs == 0;
        long sinceNs = cleanStop ? memory.State.HandedOverAtNs : lastBeatNs;
        return new Bypass(Math.Max(0, nowNs - sinceNs), frames, cleanStop);
    }

    /// <summary>Maps its state, to read it.</summary>
    /// <returns>Null when the program is of a version of ColoWire whose state has another layout.</returns>
    public StateMemory? OpenState() => Bpf.MapIds(Descriptor).Select(OpenState).FirstOrDefault(state => state is not null);

    /// <summary>Another process that writes the heartbeat of this program now. It is read twice,
    /// <see cref="PortLimits.BeatLookMs"/> apart: also a process that was just killed has left a recent one.</summary>
    /// <returns>Null when no process writes it, or this one does.</returns>
    public ProgramOwner? FindLivingOwner()
    {
        using StateMemory? memory = OpenState();
        if (memory is null
            || memory.State.LastBeatNs is not (not 0 and long first)
            || memory.State.Owner == ProgramOwner.ThisProcess)
        {
            return null;
        }

        Thread.Sleep(PortLimits.BeatLookMs);
        long second = memory.State.LastBeatNs;
        return second == first || second == 0 ? null : ProgramOwner.Of(memory.State, Stopwatch.GetTimestamp());
    }

    /// <summary>Closes the descriptor; the program stays attached.</summary>
    public void Dispose() => _ = Libc.Close(Descriptor);

    private static StateMemory? OpenState(uint mapId)
    {
        int map = Bpf.OpenMap(mapId);
        if (map < 0)
        {
            return null;
        }

        try
        {
            bool isState = Bpf.MapInfo(map) is
            {
                Name: ProgramObjects.StateName,
                ValueBytes: PortState.QueueBytes,
                Entries: PortProgram.MaxQueues,
            };
            return isState ? new StateMemory(map, writable: false) : null;
        }
        finally
        {
            _ = Libc.Close(map);
        }
    }
}
