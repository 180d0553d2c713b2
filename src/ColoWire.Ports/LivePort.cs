// SPDX-License-Identifier: GPL-2.0-or-later

using System.Threading;
using ColoWire.Engine.Frames;
using ColoWire.Ports.Linux;

namespace ColoWire.Ports;

/// <summary>A port on a network interface: what its owner may ask about the interface.</summary>
public abstract class LivePort : ILinkReporter, IKeptPort
{
    private protected LivePort(string name) => Name = name;

    /// <summary>The name that the operator gave, for example <c>pcap:eth1</c>.</summary>
    public string Name { get; }

    /// <inheritdoc/>
    public LinkState Link => Interface.State;

    /// <inheritdoc/>
    public string? Trouble => Interface.Keeper.Trouble;

    /// <inheritdoc/>
    public string? CalledNow => Interface.Keeper.CalledNow;

    IPortKeeper IKeptPort.Keeper => Interface.Keeper;

    private protected abstract IInterfaceLink Interface { get; }
}

/// <summary>A capture port on a network interface. The XDP program of the interface can direct frames past it.</summary>
public abstract class LiveCapturePort : LivePort, IWaitable, IHandOver
{
    private bool handedOver;
    private bool bypassed;

    private protected LiveCapturePort(string name)
        : base(name)
    {
    }

    /// <inheritdoc/>
    public int WaitHandle => Interface.Keeper.WaitHandle;

    /// <summary>See <see cref="ICapturePort.HasLink"/>.</summary>
    public bool HasLink => Link == LinkState.Up && !IsBypassed;

    /// <summary>See <see cref="ICapturePort.IsBypassed"/>.</summary>
    public bool IsBypassed => Volatile.Read(ref bypassed);

    /// <summary>See <see cref="ICapturePort.HasHandedOver"/>.</summary>
    public bool HasHandedOver => Volatile.Read(ref handedOver);

    void IHandOver.HandOver() => Volatile.Write(ref handedOver, true);

    void IHandOver.SetBypassed(bool value) => Volatile.Write(ref bypassed, value);
}
