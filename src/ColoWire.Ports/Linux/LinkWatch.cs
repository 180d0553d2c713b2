// SPDX-License-Identifier: GPL-2.0-or-later

using System.Threading;

namespace ColoWire.Ports.Linux;

/// <summary>Looks at the link of a live port now and then. It follows the interface by its number, whatever that is called meanwhile.</summary>
/// <param name="interfaceIndex">The interface.</param>
/// <param name="socket">A socket in the interface's namespace that answers questions about interfaces.</param>
internal sealed class LinkWatch(int interfaceIndex, int socket)
{
    private const uint NeededFlags = InterfaceControl.FlagUp | InterfaceControl.FlagRunning;

    private const int None = 0;

    private long nextLookNs = long.MinValue;
    private int state;
    private int mtu;

    /// <summary>What the last look showed; any thread may read it.</summary>
    public LinkState State => (LinkState)Volatile.Read(ref state);

    /// <summary>The MTU of that moment, in bytes; 0 before the first look.</summary>
    public int Mtu => mtu;

    /// <summary>Looks, when it is time to.</summary>
    public void Poll(long nowNs)
    {
        if (nowNs < nextLookNs || interfaceIndex == None)
        {
            return;
        }

        nextLookNs = nowNs + PortLimits.LinkCycleNs;
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
                // It is as it was until the next look.
                break;
        }
    }

    /// <summary>The port has lost its interface.</summary>
    public void Lose()
    {
        interfaceIndex = None;
        Volatile.Write(ref state, (int)LinkState.Gone);
    }

    /// <summary>The port has another interface now, of which the next poll tells.</summary>
    public void Follow(int index)
    {
        interfaceIndex = index;
        nextLookNs = long.MinValue;
        Volatile.Write(ref state, (int)LinkState.Down);
    }
}
