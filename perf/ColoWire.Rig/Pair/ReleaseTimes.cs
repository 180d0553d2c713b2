// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;

namespace ColoWire.Rig.Pair;

/// <summary>
/// The time of each frame of the primary from the moment at which it could leave to its appearance on outdev. It can leave when
/// it has arrived, when the secondary has sent its bytes and acknowledged what it acknowledges (R2), and when the frame before it
/// on the same connection can leave (R6).
/// </summary>
internal sealed class ReleaseTimes
{
    private readonly List<long> delaysNs = [];

    /// <summary>Frames of which the capture of outdev, or the secondary's, lacks the counterpart.</summary>
    public int Unmatched { get; private set; }

    /// <summary>Frames that waited for the secondary's acknowledgment when all else was there.</summary>
    public int HeldForAck { get; private set; }

    /// <summary>The sum of these waits, in nanoseconds.</summary>
    public long HeldForAckNs { get; private set; }

    /// <summary>Frames with a counterpart in both other captures.</summary>
    public int Matched => delaysNs.Count;

    /// <summary>Matches the frames of three captures.</summary>
    /// <param name="primary">What was captured on the primary's port.</param>
    /// <param name="secondary">The progress of the secondary.</param>
    /// <param name="world">What was captured on outdev.</param>
    /// <param name="clientStarts">The client's initial sequence number of each connection.</param>
    public static ReleaseTimes Measure(
        IEnumerable<Segment> primary, IReadOnlyDictionary<Connection, ReplicaProgress> secondary, IEnumerable<Segment> world,
        IReadOnlyDictionary<Connection, uint> clientStarts)
    {
        ReleaseTimes times = new();
        Dictionary<(Connection, ushort, uint, int, byte), Queue<long>> left = LeftNs(world);
        Dictionary<Connection, (uint Start, long DueNs)> order = [];
        foreach (Segment segment in primary)
        {
            if (!segment.IsGuest || segment.Resets || !clientStarts.TryGetValue(segment.Connection, out uint clientStart))
            {
                continue;
            }

            if (segment.Opens)
            {
                order.TryAdd(segment.Connection, (segment.Sequence, 0));
            }

            if (!order.TryGetValue(segment.Connection, out (uint Start, long DueNs) last)
                || !secondary.TryGetValue(segment.Connection, out ReplicaProgress? twin)
                || twin.SentNs(unchecked((int)(segment.End - last.Start))) is not { } sentNs
                || twin.AckedNs(unchecked((int)(segment.Ack - clientStart))) is not { } ackedNs
                || !left.TryGetValue(segment.Identity, out Queue<long>? moments) || moments.Count == 0)
            {
                times.Unmatched++;
                continue;
            }

            long readyNs = Math.Max(Math.Max(segment.TimeNs, sentNs), last.DueNs);
            long dueNs = Math.Max(readyNs, ackedNs);
            order[segment.Connection] = (last.Start, dueNs);
            times.delaysNs.Add(moments.Dequeue() - dueNs);
            if (dueNs > readyNs)
            {
                times.HeldForAck++;
                times.HeldForAckNs += dueNs - readyNs;
            }
        }

        times.delaysNs.Sort();
        return times;
    }

    /// <summary>A quantile of the times, in nanoseconds; 0 without any.</summary>
    /// <param name="percent">The percentage of frames with at most this time.</param>
    public long DelayNs(int percent) =>
        Matched == 0 ? 0 : delaysNs[Math.Max(0, (((Matched * percent) + 99) / 100) - 1)];

    private static Dictionary<(Connection, ushort, uint, int, byte), Queue<long>> LeftNs(IEnumerable<Segment> world)
    {
        Dictionary<(Connection, ushort, uint, int, byte), Queue<long>> left = [];
        foreach (Segment segment in world)
        {
            if (!segment.IsGuest)
            {
                continue;
            }

            if (!left.TryGetValue(segment.Identity, out Queue<long>? moments))
            {
                left[segment.Identity] = moments = new Queue<long>();
            }

            moments.Enqueue(segment.TimeNs);
        }

        return left;
    }
}
