// SPDX-License-Identifier: GPL-2.0-or-later

using System.Runtime.InteropServices;
using System.Threading;

namespace ColoWire.Ports.Linux;

/// <summary>Looks at the link of a live port now and then.</summary>
/// <param name="interfaceName">The interface.</param>
/// <param name="socket">A socket in the interface's namespace that answers questions about interfaces.</param>
internal sealed class LinkWatch(string interfaceName, int socket)
{
    private const uint NeededFlags = InterfaceControl.FlagUp | InterfaceControl.FlagRunning;

    private long nextLookNs = long.MinValue;
    private int state;
    private int mtu;

    /// <summary>What the last look showed; any thread may read it.</summary>
    public LinkState State => (LinkState)Volatile.Read(ref state);

    /// <summary>The MTU of that moment, in bytes; 0 before the first look.</summary>
    public int Mtu => mtu;

    /// <summary>Looks, when it is time to. An interface that was removed does not come back: its successor is another one.</summary>
    public void Poll(long nowNs)
    {
        if (nowNs < nextLookNs || State == LinkState.Gone)
        {
            return;
        }

        nextLookNs = nowNs + PortLimits.LinkCycleNs;
        LinkState seen = LinkState.Up;
        if (!InterfaceControl.TryGetFlags(socket, interfaceName, out uint flags))
        {
            seen = Marshal.GetLastPInvokeError() == Libc.NoSuchDevice ? LinkState.Gone : LinkState.Down;
        }
        else if ((flags & NeededFlags) != NeededFlags)
        {
            seen = LinkState.Down;
        }

        if (InterfaceControl.TryGetMtu(socket, interfaceName, out int seenMtu))
        {
            mtu = seenMtu;
        }

        Volatile.Write(ref state, (int)seen);
    }
}
