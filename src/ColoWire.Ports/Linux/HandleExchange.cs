// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Diagnostics;
using System.Threading;

namespace ColoWire.Ports.Linux;

/// <summary>
/// What a live port has opened, between two threads: the one that keeps it, which opens and closes and may wait for the kernel,
/// and the one that uses it on the way of frames, which does neither. The user changes over by itself, between two polls: it is
/// never without what it works with in the middle of one.
/// </summary>
/// <typeparam name="T">What was opened.</typeparam>
/// <remarks>In turn: the keeper withdraws, the user lets go, the keeper closes, the keeper opens and offers, the user
/// takes.</remarks>
internal sealed class HandleExchange<T> : IDisposable
    where T : class, IDisposable
{
    private T? held;
    private T? current;
    private int stage = (int)Stage.Used;

    /// <summary>Begins with one that the user has.</summary>
    public HandleExchange(T first) => held = current = first;

    private enum Stage
    {
        /// <summary>The user has it.</summary>
        Used,

        /// <summary>The user is to let go of it.</summary>
        Withdrawn,

        /// <summary>The user has let go of it.</summary>
        Released,

        /// <summary>It is closed; there is none.</summary>
        Closed,

        /// <summary>There is another one, which the user is to take.</summary>
        Offered,
    }

    /// <summary>User: what it works with; null while there is none.</summary>
    public T? Current => current;

    /// <summary>User: whether it is to let go, or has another one to take.</summary>
    public bool MustChange => (Stage)Volatile.Read(ref stage) is Stage.Withdrawn or Stage.Offered;

    /// <summary>Whether the kernel has nothing any more of what was closed, and there is nothing else yet, or only on offer. Both
    /// may ask.</summary>
    public bool IsClosed => (Stage)Volatile.Read(ref stage) is Stage.Closed or Stage.Offered;

    /// <summary>Keeper: what the user has, or is to take; null while there is none, or it is being withdrawn.</summary>
    public T? Held => (Stage)Volatile.Read(ref stage) is Stage.Used or Stage.Offered ? held : null;

    /// <summary>Keeper: has the user let go.</summary>
    public void Withdraw()
    {
        // One that is on offer is the user's within a poll: it is withdrawn at the next look.
        _ = Interlocked.CompareExchange(ref stage, (int)Stage.Withdrawn, (int)Stage.Used);
    }

    /// <summary>Keeper: closes what the user has let go of.</summary>
    /// <returns>Whether there is none now, so that another one can be offered.</returns>
    public bool TryClose()
    {
        if ((Stage)Volatile.Read(ref stage) == Stage.Released)
        {
            held?.Dispose();
            held = null;
            Volatile.Write(ref stage, (int)Stage.Closed);
        }

        return (Stage)Volatile.Read(ref stage) == Stage.Closed;
    }

    /// <summary>Keeper: offers another one, when there is none.</summary>
    public void Offer(T next)
    {
        Debug.Assert((Stage)stage == Stage.Closed, "the one before was closed");
        held = next;
        Volatile.Write(ref stage, (int)Stage.Offered);
    }

    /// <summary>User: lets go, or takes what is offered.</summary>
    /// <returns>Whether it has one now.</returns>
    public bool Change()
    {
        bool isOffer = (Stage)Volatile.Read(ref stage) == Stage.Offered;
        current = isOffer ? held : null;
        Volatile.Write(ref stage, (int)(isOffer ? Stage.Used : Stage.Released));
        return isOffer;
    }

    /// <summary>Closes whatever there is. Both threads must have ended.</summary>
    public void Dispose()
    {
        held?.Dispose();
        held = current = null;
    }
}
