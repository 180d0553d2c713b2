// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Diagnostics;
using System.Linq;
using System.Threading;
using ColoWire.Ports.Linux;

namespace ColoWire.Ports.Xdp;

/// <summary>How long ColoWire was away from an interface, and what became of the frames meanwhile.</summary>
/// <param name="AwayNs">The time since its last beat, or since it handed over.</param>
/// <param name="FramesToWire">Frames that went past it and that it has not told of.</param>
/// <param name="FramesDropped">Frames that were dropped instead, and that it has not told of.</param>
/// <param name="CleanStop">It had handed over; else it died, or hung.</param>
public sealed record Bypass(long AwayNs, long FramesToWire, long FramesDropped, bool CleanStop);

/// <summary>Frames that did not come to ColoWire.</summary>
/// <param name="ToWire">They went straight to the out interface.</param>
/// <param name="Dropped">They went nowhere.</param>
public readonly record struct BypassedFrames(long ToWire, long Dropped)
{
    /// <summary>Those that nobody was told of.</summary>
    internal static BypassedFrames NotTold(PortState state) =>
        new(state.ToWire - state.ToldToWire, state.Dropped - state.ToldDropped);
}

/// <summary>The program that an earlier process of ColoWire has left on an interface.</summary>
internal sealed class EarlierProgram : IDisposable
{
    private readonly string interfaceName;

    internal EarlierProgram(string interfaceName, int descriptor, XdpMode mode)
    {
        this.interfaceName = interfaceName;
        Descriptor = descriptor;
        Mode = mode;
    }

    /// <summary>The program's descriptor.</summary>
    public int Descriptor { get; }

    /// <summary>How it runs.</summary>
    public XdpMode Mode { get; }

    /// <summary>Looks for it.</summary>
    /// <param name="interfaceName">Where.</param>
    /// <param name="interfaceIndex">Its number.</param>
    /// <param name="mayBeForeign">One of somebody else's counts as none.</param>
    /// <returns>Null when there is no program on the interface.</returns>
    /// <exception cref="PortException">There is one of somebody else's, or one that this process may not look at.</exception>
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
        if (mayBeForeign)
        {
            return null;
        }

        throw new PortException(Foreign(interfaceName, name, attached));
    }

    /// <summary>What is said of a program of somebody else's.</summary>
    public static string Foreign(string interfaceName, string name, AttachedProgram attached) =>
        $"interface '{interfaceName}' has an XDP program that is not ColoWire's ('{name}', id {attached.Id}); "
        + $"remove it with: ip link set dev {interfaceName} {(attached.Mode == XdpMode.Native ? "xdp" : "xdpgeneric")} off";

    /// <summary>Makes sure that no other process of ColoWire's runs on an interface: it would be blind, and not know it.</summary>
    /// <exception cref="PortException">One does.</exception>
    public static void RefuseIfAlive(string interfaceName)
    {
        if (InterfaceIndex.Find(interfaceName) is not { } index)
        {
            // Who opens it says so.
            return;
        }

        using EarlierProgram? earlier = Find(interfaceName, index, mayBeForeign: true);
        if (earlier?.FindLivingOwner() is { } owner)
        {
            throw new PortException(
                $"interface '{interfaceName}' is in use by another ColoWire{owner}; end that one first"
                + (owner.ProcessId is int id ? $" (kill {id})" : string.Empty)
                + ", name another interface, or take this one away from it with --take-over");
        }
    }

    /// <summary>Takes it off the interface.</summary>
    public void Detach(int interfaceIndex)
    {
        NetlinkAnswer answer = RouteNetlink.Attach(interfaceIndex, Mode, RouteNetlink.NoProgram, expected: Descriptor);
        if (answer.Error != 0)
        {
            throw new PortException($"cannot detach the earlier XDP program from interface '{interfaceName}': {answer.Reason}");
        }
    }

    /// <summary>What its state tells; null when it is of a ColoWire whose state this one does not know.</summary>
    public Bypass? Bypass(long nowNs)
    {
        using StateMemory? memory = OpenState();
        if (memory is null)
        {
            return null;
        }

        BypassedFrames passedBy = BypassedFrames.NotTold(memory.State);
        long lastBeatNs = memory.State.LastBeatNs;
        bool cleanStop = lastBeatNs == 0;
        long since = cleanStop ? memory.State.HandedOverAtNs : lastBeatNs;
        return new Bypass(Math.Max(0, nowNs - since), passedBy.ToWire, passedBy.Dropped, cleanStop);
    }

    /// <summary>Opens its state.</summary>
    /// <returns>Null when it is of a ColoWire whose state this one does not know.</returns>
    public StateMemory? OpenState() => Bpf.MapIds(Descriptor).Select(OpenState).FirstOrDefault(state => state is not null);

    /// <summary>Another process that beats for it now. Whether somebody does is seen by two looks, <see cref="PortLimits.BeatLookMs"/> apart:
    /// the last beat of one that was killed may be of this moment, too.</summary>
    /// <returns>Null when nobody does, or this very process.</returns>
    public ProgramOwner? FindLivingOwner()
    {
        using StateMemory? memory = OpenState();
        if (memory is null || memory.State.LastBeatNs is not (not 0 and long seen) || memory.State.Owner == ProgramOwner.ThisProcess)
        {
            return null;
        }

        Thread.Sleep(PortLimits.BeatLookMs);
        long now = memory.State.LastBeatNs;
        return now == seen || now == 0 ? null : ProgramOwner.Of(memory.State, Stopwatch.GetTimestamp());
    }

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
            return Bpf.MapInfo(map) is { Name: ProgramObjects.StateName, ValueBytes: PortState.QueueBytes, Entries: PortProgram.MaxQueues }
                ? new StateMemory(map, writable: false)
                : null;
        }
        finally
        {
            _ = Libc.Close(map);
        }
    }
}
