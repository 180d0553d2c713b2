// SPDX-License-Identifier: GPL-2.0-or-later

using System.Threading;

namespace ColoWire.Engine.Checkpoint;

/// <summary>The orders of an operator. Any thread may give an order; the gate's thread takes it.</summary>
internal sealed class OperatorOrders(CompareMode mode)
{
    private int mode = (int)mode;
    private bool flush;
    private bool checkpoint;

    /// <summary>The mode that was ordered last, or that the path began with.</summary>
    public CompareMode Mode => (CompareMode)Volatile.Read(ref mode);

    /// <summary>Orders a mode.</summary>
    public void OrderMode(CompareMode ordered) => Volatile.Write(ref mode, (int)ordered);

    /// <summary>Orders a flush.</summary>
    public void OrderFlush() => Volatile.Write(ref flush, true);

    /// <summary>Orders a checkpoint.</summary>
    public void OrderCheckpoint() => Volatile.Write(ref checkpoint, true);

    /// <summary>Gate: takes an order to flush.</summary>
    /// <returns>False when there is none.</returns>
    public bool TryTakeFlush() => TryTake(ref flush);

    /// <summary>Gate: takes an order for a checkpoint.</summary>
    /// <returns>False when there is none.</returns>
    public bool TryTakeCheckpoint() => TryTake(ref checkpoint);

    private static bool TryTake(ref bool order)
    {
        bool isOrdered = Volatile.Read(ref order);
        if (isOrdered)
        {
            // Before the order is carried out: an order given meanwhile is fulfilled by this one too.
            Volatile.Write(ref order, false);
        }

        return isOrdered;
    }
}
