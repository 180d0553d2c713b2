// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Threading;

namespace ColoWire.Ports.Linux;

/// <summary>What a live port has opened on an interface.</summary>
internal interface IInterfaceHandle : IDisposable
{
    /// <summary>The kernel's number of the interface.</summary>
    int InterfaceIndex { get; }

    /// <summary>The descriptor that becomes readable when frames have arrived.</summary>
    int Descriptor { get; }

    /// <summary>Whether the kernel has cut it off from the interface, as it does when that is removed or goes to another
    /// namespace.</summary>
    bool IsCutOff();
}

/// <summary>A live port that is looked after by a thread that is not on the way of a frame.</summary>
internal interface IKeptPort
{
    /// <summary>The keeper of its interface.</summary>
    IPortKeeper Keeper { get; }
}

/// <summary>Keeps the interface of a live port.</summary>
internal interface IPortKeeper
{
    /// <summary>The kernel's number of the interface; 0 while there is none.</summary>
    int InterfaceIndex { get; }

    /// <summary>What it is open by, with <see cref="IInterfaceHandle.Descriptor"/>; -1 while it is not.</summary>
    int Descriptor { get; }

    /// <summary>How often the interface was opened.</summary>
    int Opened { get; }

    /// <summary>The interface's name now, where it is not the one that the operator wrote; else null. Any thread may read
    /// it.</summary>
    string? CalledNow { get; }

    /// <summary>Why the interface is not used although it exists, in one line; else null. Any thread may read it.</summary>
    string? Trouble { get; }

    /// <summary>A descriptor for poll(2) that always stands for the open handle's, also after the handle was replaced.</summary>
    int WaitHandle { get; }

    /// <summary>Checks the interface, every <see cref="PortLimits.UpkeepMs"/>. It may wait for the kernel.</summary>
    void Check();
}

/// <summary>
/// Keeps the interface of a live port: notices that it was removed, closes what the port had of it, and opens it anew as soon as
/// there is one of its name again. A rename changes nothing.
/// </summary>
/// <typeparam name="T">What the port opens.</typeparam>
internal sealed class PortKeeper<T> : IPortKeeper, IDisposable
    where T : class, IInterfaceHandle
{
    private const uint UsableFlags = InterfaceControl.FlagUp;

    private readonly string interfaceName;
    private readonly Func<T> open;
    private readonly HandleExchange<T> exchange;
    private readonly int controlSocket = InterfaceControl.OpenSocket();
    private string? trouble;
    private string? calledNow;
    private string? failure;

    /// <summary>Opens the interface.</summary>
    /// <param name="interfaceName">As the operator calls it.</param>
    /// <param name="open">Opens it, at the start and each time that it is back.</param>
    /// <exception cref="PortException">It cannot be opened.</exception>
    public PortKeeper(string interfaceName, Func<T> open)
    {
        this.interfaceName = interfaceName;
        this.open = open;
        try
        {
            exchange = new HandleExchange<T>(open());
        }
        catch (PortException)
        {
            _ = Libc.Close(controlSocket);
            throw;
        }

        Opened = 1;
        WaitHandle = Libc.Duplicate(exchange.Current!.Descriptor);
    }

    /// <summary>What the port works with, and how it changes over.</summary>
    public HandleExchange<T> Exchange => exchange;

    /// <summary>A socket that answers controlSocket about interfaces.</summary>
    public int ControlSocket => controlSocket;

    /// <inheritdoc/>
    public int WaitHandle { get; }

    /// <inheritdoc/>
    public string? Trouble => Volatile.Read(ref trouble);

    /// <inheritdoc/>
    public string? CalledNow => Volatile.Read(ref calledNow);

    /// <inheritdoc/>
    public int InterfaceIndex => exchange.Held?.InterfaceIndex ?? 0;

    /// <inheritdoc/>
    public int Descriptor => exchange.Held?.Descriptor ?? -1;

    /// <inheritdoc/>
    public int Opened { get; private set; }

    /// <summary>Whether the port has met an error that only opening the interface anew can end.</summary>
    public bool HasFailed => Volatile.Read(ref failure) is not null;

    /// <summary>The port has met an error that only opening the interface anew can end. For the thread of the port.</summary>
    /// <param name="reason">In one line.</param>
    public void Fail(string reason) => Volatile.Write(ref failure, reason);

    /// <inheritdoc/>
    public void Check()
    {
        if (exchange.Held is T held)
        {
            Watch(held);
        }
        else if (exchange.TryClose())
        {
            Reopen();
        }
    }

    /// <summary>Closes what is open. No thread may use the port any more.</summary>
    public void Dispose()
    {
        exchange.Dispose();
        _ = Libc.Close(WaitHandle);
        _ = Libc.Close(controlSocket);
    }

    private void Watch(T held)
    {
        bool isThere = InterfaceControl.TryGetName(controlSocket, held.InterfaceIndex, interfaceName, out bool isSame);
        bool isLost = !isThere || held.IsCutOff();
        if (isLost || HasFailed)
        {
            // That a port whose interface is gone has failed is no trouble of its own.
            Volatile.Write(ref trouble, isLost ? null : Volatile.Read(ref failure));
            // Nobody waits any more for what is about to be closed.
            Libc.Replace(WaitHandle, controlSocket);
            exchange.Withdraw();
        }
        else if (isSame != (calledNow is null))
        {
            // An alternative name of it stays with the interface.
            bool isAlias = Xdp.InterfaceIndex.Find(interfaceName) == held.InterfaceIndex;
            Volatile.Write(ref calledNow, isSame || isAlias ? null : Xdp.InterfaceIndex.NameOf(held.InterfaceIndex));
        }
    }

    private void Reopen()
    {
        if (Xdp.InterfaceIndex.Find(interfaceName) is not { } index
            || InterfaceControl.Look(controlSocket, index, out uint flags, out _) != InterfaceLook.Seen
            || (flags & UsableFlags) == 0)
        {
            return;
        }

        try
        {
            T next = open();
            Volatile.Write(ref trouble, null);
            Volatile.Write(ref failure, null);
            Volatile.Write(ref calledNow, null);
            Libc.Replace(WaitHandle, next.Descriptor);
            Opened++;
            exchange.Offer(next);
        }
        catch (PortException exception)
        {
            Volatile.Write(ref trouble, exception.Message);
        }
    }
}
