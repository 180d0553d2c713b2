// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Diagnostics;
using System.Threading;

namespace ColoWire.Ports.Linux;

/// <summary>
/// The handle of a live port, exchanged between two threads: the keeper, which is the upkeep thread, opens and closes handles and
/// may wait for the kernel; the user, which is the port's thread, uses them while it receives or sends and must not wait. The
/// user changes its handle itself, between two polls, so that it never loses one in the middle of a poll.
/// </summary>
/// <typeparam name="T">The handle.</typeparam>
/// <remarks>The cycle: the keeper withdraws, the user releases, the keeper closes, the keeper opens and offers, the user takes.
/// Each stage has one thread that may leave it, so one atomic word is enough; its volatile accesses publish
/// <c>held</c>.</remarks>
internal sealed class HandleExchange<T> : IDisposable
    where T : class, IInterfaceHandle
{
    private T? held;
    private T? current;
    private int stage = (int)Stage.Used;

    /// <summary>Begins with a handle that the user has.</summary>
    public HandleExchange(T first) => held = current = first;

    private enum Stage
    {
        /// <summary>The user has the handle.</summary>
        Used,

        /// <summary>The user is to release the handle.</summary>
        Withdrawn,

        /// <summary>The user has released the handle.</summary>
        Released,

        /// <summary>The keeper has disposed the handle, which another port still uses.</summary>
        Disposed,

        /// <summary>The handle is closed, and there is no other one.</summary>
        Closed,

        /// <summary>The user is to take another handle.</summary>
        Offered,
    }

    /// <summary>User: its handle; null while it has none.</summary>
    public T? Current => current;

    /// <summary>User: whether it is to release its handle, or to take another one.</summary>
    public bool MustChange => (Stage)Volatile.Read(ref stage) is Stage.Withdrawn or Stage.Offered;

    /// <summary>Whether the released handle is closed, so that the kernel does not use what it was given by it. Both threads may
    /// ask.</summary>
    public bool IsClosed => (Stage)Volatile.Read(ref stage) is Stage.Closed or Stage.Offered;

    /// <summary>Keeper: the handle that the user has, or is to take; null while there is none, or it is being
    /// withdrawn.</summary>
    public T? Held => (Stage)Volatile.Read(ref stage) is Stage.Used or Stage.Offered ? held : null;

    /// <summary>Keeper: asks the user to release its handle.</summary>
    public void Withdraw()
    {
        // Not from Offered: the user takes the handle within a poll, and the keeper withdraws it at its next check.
        _ = Interlocked.CompareExchange(ref stage, (int)Stage.Withdrawn, (int)Stage.Used);
    }

    /// <summary>Keeper: closes the handle that the user has released.</summary>
    /// <returns>Whether there is no handle now, so that another one can be offered.</returns>
    public bool TryClose()
    {
        if ((Stage)Volatile.Read(ref stage) == Stage.Released)
        {
            held!.Dispose();
            Volatile.Write(ref stage, (int)Stage.Disposed);
        }

        if ((Stage)Volatile.Read(ref stage) == Stage.Disposed && held!.IsClosed)
        {
            held = null;
            Volatile.Write(ref stage, (int)Stage.Closed);
        }

        return (Stage)Volatile.Read(ref stage) == Stage.Closed;
    }

    /// <summary>Keeper: offers another handle. There must be none.</summary>
    public void Offer(T next)
    {
        Debug.Assert((Stage)stage == Stage.Closed, "the one before was closed");
        held = next;
        Volatile.Write(ref stage, (int)Stage.Offered);
    }

    /// <summary>User: releases its handle, or takes the one that is offered.</summary>
    /// <returns>Whether it has a handle now.</returns>
    public bool Change()
    {
        bool isOffer = (Stage)Volatile.Read(ref stage) == Stage.Offered;
        current = isOffer ? held : null;
        Volatile.Write(ref stage, (int)(isOffer ? Stage.Used : Stage.Released));
        return isOffer;
    }

    /// <summary>Closes the handle, if there is one. Both threads must have ended.</summary>
    public void Dispose()
    {
        if ((Stage)Volatile.Read(ref stage) != Stage.Disposed)
        {
            held?.Dispose();
        }

        held = current = null;
    }
}
