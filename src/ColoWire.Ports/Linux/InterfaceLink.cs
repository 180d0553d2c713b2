// SPDX-License-Identifier: GPL-2.0-or-later

using System;

namespace ColoWire.Ports.Linux;

/// <summary>The interface of a live port, as other threads may see it.</summary>
internal interface IInterfaceLink
{
    /// <summary>The state of the link at the last look, at most <see cref="PortLimits.LinkCycleNs"/> ago. Any thread may read
    /// it.</summary>
    LinkState State { get; }

    /// <summary>The keeper of the interface, for the upkeep thread.</summary>
    IPortKeeper Keeper { get; }
}

/// <summary>
/// The interface of a live port, as the port's thread sees it: the open handle, the state of the link, and the change to another
/// handle after the interface was removed and has come back. It never waits for the kernel: opening and closing is the work of
/// the <see cref="PortKeeper{T}"/> on the upkeep thread.
/// </summary>
/// <typeparam name="T">What the port opens on the interface.</typeparam>
internal sealed class InterfaceLink<T> : IInterfaceLink, IDisposable
    where T : class, IInterfaceHandle
{
    private readonly PortKeeper<T> keeper;
    private readonly LinkWatch watch;

    /// <summary>Opens the interface.</summary>
    /// <param name="interfaceName">As the operator calls it.</param>
    /// <param name="open">Opens it, at the start and each time that the interface has come back.</param>
    /// <exception cref="PortException">It cannot be opened.</exception>
    public InterfaceLink(string interfaceName, Func<T> open)
    {
        keeper = new PortKeeper<T>(interfaceName, open);
        Handle = keeper.Exchange.Current;
        watch = new LinkWatch(Handle!.InterfaceIndex, keeper.ControlSocket);
    }

    /// <summary>What is open on the interface; null while the interface is gone.</summary>
    public T? Handle { get; private set; }

    /// <inheritdoc/>
    public LinkState State => watch.State;

    /// <summary>The MTU in bytes at the last look; 0 before the first one.</summary>
    public int Mtu => watch.Mtu;

    /// <inheritdoc/>
    public IPortKeeper Keeper => keeper;

    /// <summary>Whether the handle is to be released, or there is another one to take: <see cref="ChangeHandle"/> is
    /// due.</summary>
    public bool MustChange => keeper.Exchange.MustChange;

    /// <summary>Whether the released handle is closed, so that the kernel neither reads nor writes what it was given by
    /// it.</summary>
    public bool IsClosed => keeper.Exchange.IsClosed;

    /// <summary>Reads the state of the link from the kernel when that is due (<see cref="PortLimits.LinkCycleNs"/>).</summary>
    public void Poll(long nowNs) => watch.Poll(nowNs);

    /// <summary>Releases the handle of an interface that is gone, or takes that of the one that has come back.</summary>
    /// <returns>Whether there is a handle now.</returns>
    public bool ChangeHandle()
    {
        bool hasHandle = keeper.Exchange.Change();
        Handle = keeper.Exchange.Current;
        if (hasHandle)
        {
            watch.Follow(Handle!.InterfaceIndex);
        }
        else
        {
            watch.Lose();
        }

        return hasHandle;
    }

    /// <summary>Reports an error that only opening the interface again can clear.</summary>
    /// <param name="reason">In one line.</param>
    public void Fail(string reason) => keeper.Fail(reason);

    /// <summary>Closes the interface. The port's thread and the upkeep thread must have ended.</summary>
    public void Dispose() => keeper.Dispose();
}
