// SPDX-License-Identifier: GPL-2.0-or-later

using System.Runtime.InteropServices;
using System.Threading;

namespace ColoWire.Ports.Linux;

/// <summary>Looks at the link of a live port now and then. It follows the interface by its number, whatever that is called meanwhile.</summary>
/// <param name="interfaceIndex">The interface.</param>
/// <param name="socket">A socket in the interface's namespace that answers questions about interfaces.</param>
internal sealed class LinkWatch(int interfaceIndex, int socket)
{
    private const uint NeededFlags = InterfaceControl.FlagUp | InterfaceControl.FlagRunning;

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
        if (nowNs < nextLookNs || State == LinkState.Gone)
        {
            return;
        }

        nextLookNs = nowNs + PortLimits.LinkCycleNs;
        if (!InterfaceControl.TryGetFlags(socket, interfaceIndex, out uint flags, out int seenMtu))
        {
            Volatile.Write(ref state, (int)(Marshal.GetLastPInvokeError() == Libc.NoSuchDevice ? LinkState.Gone : LinkState.Down));
            return;
        }

        mtu = seenMtu;
        Volatile.Write(ref state, (int)((flags & NeededFlags) == NeededFlags ? LinkState.Up : LinkState.Down));
    }

    /// <summary>The port has lost its interface.</summary>
    public void Lose() => Volatile.Write(ref state, (int)LinkState.Gone);

    /// <summary>The port has another interface now, of which the next poll tells.</summary>
    public void Follow(int index)
    {
        interfaceIndex = index;
        nextLookNs = long.MinValue;
        Volatile.Write(ref state, (int)LinkState.Down);
    }
}
