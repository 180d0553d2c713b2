// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Threading;

namespace ColoWire.Ports.Linux;

/// <summary>What a live port has open on an interface.</summary>
internal interface IInterfaceHandle : IDisposable
{
    /// <summary>The index of the interface.</summary>
    int InterfaceIndex { get; }

    /// <summary>The descriptor that becomes readable when frames have arrived.</summary>
    int Descriptor { get; }

    /// <summary>Whether it is closed: after it was disposed, unless another port still uses it.</summary>
    bool IsClosed { get; }

    /// <summary>Whether the kernel has unbound it from the interface, because that was removed or has moved to another
    /// namespace.</summary>
    bool IsCutOff();
}

/// <summary>A live port whose interface the upkeep thread checks.</summary>
internal interface IKeptPort
{
    /// <summary>The keeper of its interface.</summary>
    IPortKeeper Keeper { get; }
}

/// <summary>Keeps the interface of a live port open. Called by the upkeep thread, except where said otherwise.</summary>
internal interface IPortKeeper
{
    /// <summary>The index of the interface; 0 while there is none.</summary>
    int InterfaceIndex { get; }

    /// <summary>The open handle's descriptor (<see cref="IInterfaceHandle.Descriptor"/>); -1 while there is none.</summary>
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
/// Keeps the interface of a live port open: notices that it was removed, closes the port's handle, and opens another one when an
/// interface of the same name exists again. A rename changes nothing.
/// </summary>
/// <typeparam name="T">The port's handle.</typeparam>
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
    /// <param name="interfaceName">The name that the operator wrote.</param>
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

    /// <summary>Gives the handle to the port's thread.</summary>
    public HandleExchange<T> Exchange => exchange;

    /// <summary>A socket for ioctl requests about interfaces (netdevice(7)).</summary>
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

    /// <summary>Whether the port has reported an error that only opening the interface again can clear.</summary>
    public bool HasFailed => Volatile.Read(ref failure) is not null;

    /// <summary>Reports an error that only opening the interface again can clear. For the port's thread.</summary>
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
            // A failure that follows from the loss of the interface is not reported besides the loss.
            Volatile.Write(ref trouble, isLost ? null : Volatile.Read(ref failure));
            // So that no thread waits any more for the descriptor that is about to be closed.
            Libc.Replace(WaitHandle, controlSocket);
            exchange.Withdraw();
        }
        else if (isSame != (calledNow is null))
        {
            // It may have been opened by an alternative name, which a rename leaves in place.
            bool isAlias = Linux.InterfaceIndex.Find(interfaceName) == held.InterfaceIndex;
            Volatile.Write(ref calledNow, isSame || isAlias ? null : Linux.InterfaceIndex.NameOf(held.InterfaceIndex));
        }
    }

    private void Reopen()
    {
        if (Linux.InterfaceIndex.Find(interfaceName) is not { } index
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
