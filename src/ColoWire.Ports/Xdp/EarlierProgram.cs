// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Linq;
using ColoWire.Ports.Linux;

namespace ColoWire.Ports.Xdp;

/// <summary>How long ColoWire was away from an interface, and what became of the frames meanwhile.</summary>
/// <param name="AwayNs">The time since its last beat, or since it handed over.</param>
/// <param name="FramesToWire">Frames that went past it and that it has not told of.</param>
/// <param name="FramesDropped">Frames that were dropped instead, and that it has not told of.</param>
/// <param name="CleanStop">It had handed over; else it died, or hung.</param>
public sealed record Absence(long AwayNs, long FramesToWire, long FramesDropped, bool CleanStop);

/// <summary>Frames that did not come to ColoWire.</summary>
/// <param name="ToWire">They went straight to the out interface.</param>
/// <param name="Dropped">They went nowhere.</param>
public readonly record struct PassedBy(long ToWire, long Dropped)
{
    /// <summary>Those that nobody was told of.</summary>
    internal static PassedBy NotTold(PortState state) =>
        new(state.ToWire - state.ToldToWire, state.Dropped - state.ToldDropped);
}

/// <summary>The program that an earlier process of ColoWire has left on an interface.</summary>
internal sealed class EarlierProgram : IDisposable
{
    private readonly string interfaceName;

    private EarlierProgram(string interfaceName, int descriptor, XdpMode mode)
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

        string hook = attached.Mode == XdpMode.Native ? "xdp" : "xdpgeneric";
        throw new PortException(
            $"interface '{interfaceName}' has an XDP program that is not ColoWire's ('{name}', id {attached.Id}); "
            + $"remove it with: ip link set dev {interfaceName} {hook} off");
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
    public Absence? Absence(long nowNs)
    {
        using StateMemory? memory = Bpf.MapIds(Descriptor).Select(OpenState).FirstOrDefault(state => state is not null);
        if (memory is null)
        {
            return null;
        }

        PassedBy passedBy = PassedBy.NotTold(memory.State);
        long lastBeatNs = memory.State.LastBeatNs;
        bool cleanStop = lastBeatNs == 0;
        long since = cleanStop ? memory.State.HandedOverAtNs : lastBeatNs;
        return new Absence(Math.Max(0, nowNs - since), passedBy.ToWire, passedBy.Dropped, cleanStop);
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
