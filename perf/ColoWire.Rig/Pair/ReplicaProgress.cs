// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;

namespace ColoWire.Rig.Pair;

/// <summary>
/// How far a replica has come on one connection, and when: the greatest end of what it has sent, and its greatest acknowledgment.
/// Positions are relative to the SYN of each direction, so that those of two replicas are the same for the same bytes.
/// </summary>
internal sealed class ReplicaProgress
{
    /// <summary>More than any window: a position beyond that is one of other sequence numbers, those of the primary after a
    /// checkpoint.</summary>
    private const long FarthestStep = 1 << 24;

    private readonly List<(long TimeNs, long Position)> sent = [];
    private readonly List<(long TimeNs, long Position)> acked = [];

    private ReplicaProgress(uint guestStart) => GuestStart = guestStart;

    /// <summary>The initial sequence number of the replica.</summary>
    public uint GuestStart { get; }

    /// <summary>Follows one replica through its capture.</summary>
    /// <param name="segments">All segments of the capture.</param>
    /// <param name="clientStarts">The client's initial sequence number of each connection.</param>
    public static Dictionary<Connection, ReplicaProgress> Follow(
        IEnumerable<Segment> segments, IReadOnlyDictionary<Connection, uint> clientStarts)
    {
        Dictionary<Connection, ReplicaProgress> all = [];
        foreach (Segment segment in segments)
        {
            if (!segment.IsGuest || segment.Resets || !clientStarts.TryGetValue(segment.Connection, out uint clientStart))
            {
                continue;
            }

            if (segment.Opens)
            {
                all.TryAdd(segment.Connection, new ReplicaProgress(segment.Sequence));
            }

            if (all.TryGetValue(segment.Connection, out ReplicaProgress? progress))
            {
                Advance(progress.sent, segment.TimeNs, unchecked((int)(segment.End - progress.GuestStart)));
                Advance(progress.acked, segment.TimeNs, unchecked((int)(segment.Ack - clientStart)));
            }
        }

        return all;
    }

    /// <summary>When the replica had sent all up to a position; null when it never had.</summary>
    public long? SentNs(long position) => ReachedNs(sent, position);

    /// <summary>When the replica had acknowledged all up to a position; null when it never had.</summary>
    public long? AckedNs(long position) => ReachedNs(acked, position);

    private static void Advance(List<(long TimeNs, long Position)> steps, long timeNs, long position)
    {
        long last = steps.Count == 0 ? 0 : steps[^1].Position;
        if (position > last && position - last < FarthestStep)
        {
            steps.Add((timeNs, position));
        }
    }

    private static long? ReachedNs(List<(long TimeNs, long Position)> steps, long position)
    {
        int first = 0;
        int end = steps.Count;
        while (first < end)
        {
            int middle = (first + end) / 2;
            if (steps[middle].Position >= position)
            {
                end = middle;
            }
            else
            {
                first = middle + 1;
            }
        }

        return first < steps.Count ? steps[first].TimeNs : null;
    }
}
