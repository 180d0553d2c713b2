// SPDX-License-Identifier: GPL-2.0-or-later

using System.Threading;

namespace ColoWire.Ports.Linux;

/// <summary>
/// Reads the link state of a live port's interface from the kernel once per <see cref="PortLimits.LinkCycleNs"/> (netdevice(7)).
/// It identifies the interface by its index, so that a rename changes nothing.
/// </summary>
/// <param name="interfaceIndex">The index of the interface.</param>
/// <param name="socket">A socket in the interface's namespace for the ioctl calls.</param>
internal sealed class LinkWatch(int interfaceIndex, int socket)
{
    private const uint NeededFlags = InterfaceControl.FlagUp | InterfaceControl.FlagRunning;

    private const int None = 0;

    private Cycle cycle = new(PortLimits.LinkCycleNs);
    private int state;
    private int mtu;

    /// <summary>What the last look showed; any thread may read it.</summary>
    public LinkState State => (LinkState)Volatile.Read(ref state);

    /// <summary>The MTU at the last look, in bytes; 0 before the first one.</summary>
    public int Mtu => mtu;

    /// <summary>Reads the state when that is due.</summary>
    /// <param name="nowNs">The engine's clock, in nanoseconds.</param>
    public void Poll(long nowNs)
    {
        if (interfaceIndex == None || !cycle.IsDue(nowNs))
        {
            return;
        }

        switch (InterfaceControl.Look(socket, interfaceIndex, out uint flags, out int seenMtu))
        {
            case InterfaceLook.Seen:
                mtu = seenMtu;
                Volatile.Write(ref state, (int)((flags & NeededFlags) == NeededFlags ? LinkState.Up : LinkState.Down));
                break;
            case InterfaceLook.Gone:
                Volatile.Write(ref state, (int)LinkState.Gone);
                break;
            default:
                // The state stays as it was until the next look.
                break;
        }
    }

    /// <summary>The port has lost its interface.</summary>
    public void Lose()
    {
        interfaceIndex = None;
        Volatile.Write(ref state, (int)LinkState.Gone);
    }

    /// <summary>The port has another interface, whose state the next poll reads.</summary>
    public void Follow(int index)
    {
        interfaceIndex = index;
        cycle.Restart();
        Volatile.Write(ref state, (int)LinkState.Down);
    }
}
