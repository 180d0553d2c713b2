// SPDX-License-Identifier: GPL-2.0-or-later

using System.Threading;

namespace ColoWire.Engine.Checkpoint;

/// <content>What an operator orders while frames flow. Any thread may order; the gate's own carries it out.</content>
public sealed partial class CheckpointGate
{
    private int mode;
    private int orderedMode;
    private bool hasObserved;
    private bool flushOrdered;
    private bool checkpointOrdered;

    /// <summary>When a frame of the primary leaves. It changes with an epoch: who sees that looks here. Any thread may read it.</summary>
    public CompareMode Mode => (CompareMode)Volatile.Read(ref mode);

    /// <summary>Whether a frame may be about that was only observed.</summary>
    internal bool HasObserved => Volatile.Read(ref hasObserved);

    /// <summary>Orders a checkpoint, as a divergence does.</summary>
    internal void OrderCheckpoint() => Volatile.Write(ref checkpointOrdered, true);

    /// <summary>Orders that what is held leaves unverified, and that every flow is compared afresh.</summary>
    internal void OrderFlush() => Volatile.Write(ref flushOrdered, true);

    /// <summary>Orders a mode.</summary>
    internal void OrderMode(CompareMode ordered) => Volatile.Write(ref orderedMode, (int)ordered);

    private int TakeOrders(long nowNs)
    {
        int work = ChangeMode(Volatile.Read(ref orderedMode), nowNs);
        if (Volatile.Read(ref flushOrdered))
        {
            // Before it is carried out: whoever orders meanwhile is served by this one too.
            Volatile.Write(ref flushOrdered, false);
            Flush();
            work++;
        }

        if (Volatile.Read(ref checkpointOrdered))
        {
            Volatile.Write(ref checkpointOrdered, false);
            MergeOrder(nowNs);
            work++;
        }

        return work;
    }

    private void Flush()
    {
        // While both replicas stand for a checkpoint, what is held leaves within milliseconds by itself.
        if (beganAtNs is null)
        {
            BeginEpoch(UnverifiedReason.Order);
        }
    }

    private int ChangeMode(int ordered, long nowNs)
    {
        if (ordered == mode)
        {
            return 0;
        }

        Volatile.Write(ref hasObserved, true);
        Volatile.Write(ref mode, ordered);
        EndRequest();
        // The news of the mode comes with the epoch.
        BeginEpoch(UnverifiedReason.Order);
        // What has diverged while it was only observed nobody has mended.
        MergeOrder(nowNs);
        return 1;
    }

    private void MergeOrder(long nowNs)
    {
        if (Synchronises)
        {
            if (tries == 0)
            {
                // checkpoint_interval_ms is for what guests say.
                askDueNs = nowNs;
            }

            Merge(Event(CheckpointCause.Order, nowNs), nowNs);
        }
    }
}
