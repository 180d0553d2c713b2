// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;

namespace ColoWire.Rig.Pair;

/// <summary>
/// What clients had to wait for, from the captures of outdev and of the primary's port: segments that they sent again, and the
/// time for which they were silent while an acknowledgment of the primary was held.
/// </summary>
internal sealed class ClientWaits
{
    /// <summary>Linux waits at least 200 ms before a retransmission timeout (TCP_RTO_MIN): a repetition after a shorter silence
    /// is a tail loss probe or a fast retransmission.</summary>
    private const long TimeoutNs = 195_000_000;

    /// <summary>A client that is silent for longer than this is idle: between two frames of one burst less time passes.</summary>
    private const long IdleNs = 1_000_000;

    private readonly Dictionary<Connection, Progress> connections = [];
    private readonly IReadOnlyDictionary<Connection, ReplicaProgress> primary;
    private readonly IReadOnlyDictionary<Connection, ReplicaProgress> secondary;
    private readonly IReadOnlyDictionary<Connection, uint> clientStarts;

    private ClientWaits(
        IReadOnlyDictionary<Connection, ReplicaProgress> primary, IReadOnlyDictionary<Connection, ReplicaProgress> secondary,
        IReadOnlyDictionary<Connection, uint> clientStarts)
    {
        this.primary = primary;
        this.secondary = secondary;
        this.clientStarts = clientStarts;
    }

    /// <summary>Segments of clients with payload that had been sent before.</summary>
    public int Retransmissions { get; private set; }

    /// <summary>Retransmissions after a silence of a retransmission timeout.</summary>
    public int Timeouts { get; private set; }

    /// <summary>Retransmissions of bytes that both replicas had acknowledged before.</summary>
    public int Spurious { get; private set; }

    /// <summary>Retransmissions of bytes that the primary had acknowledged, and the secondary not.</summary>
    public int ForSecondary { get; private set; }

    /// <summary>Time for which clients sent nothing while an acknowledgment of the primary for what they had sent was held, in
    /// nanoseconds.</summary>
    public long IdleHeldNs { get; private set; }

    /// <summary>Follows the clients.</summary>
    /// <param name="world">What was captured on outdev.</param>
    /// <param name="primary">The progress of the primary.</param>
    /// <param name="secondary">The progress of the secondary.</param>
    /// <param name="clientStarts">The client's initial sequence number of each connection.</param>
    public static ClientWaits Measure(
        IEnumerable<Segment> world, IReadOnlyDictionary<Connection, ReplicaProgress> primary,
        IReadOnlyDictionary<Connection, ReplicaProgress> secondary, IReadOnlyDictionary<Connection, uint> clientStarts)
    {
        ClientWaits waits = new(primary, secondary, clientStarts);
        foreach (Segment segment in world)
        {
            if (!segment.Resets && clientStarts.TryGetValue(segment.Connection, out uint start))
            {
                waits.Add(segment, start);
            }
        }

        return waits;
    }

    private void Add(Segment segment, uint clientStart)
    {
        if (!connections.TryGetValue(segment.Connection, out Progress? progress))
        {
            connections[segment.Connection] = progress = new Progress();
        }

        CountIdle(segment, progress);
        progress.EventNs = segment.TimeNs;
        if (segment.IsGuest)
        {
            progress.Heard = Math.Max(progress.Heard, unchecked((int)(segment.Ack - clientStart)));
            return;
        }

        long end = unchecked((int)(segment.End - clientStart));
        if (segment.Length > 0)
        {
            if (end <= progress.Sent)
            {
                CountRepetition(segment, progress, end);
            }

            progress.LastNs = segment.TimeNs;
        }

        progress.Sent = Math.Max(progress.Sent, end);
    }

    private void CountRepetition(Segment segment, Progress progress, long end)
    {
        Retransmissions++;
        if (segment.TimeNs - progress.LastNs >= TimeoutNs)
        {
            Timeouts++;
        }

        bool hasPrimary = HasAcked(primary, segment, end);
        bool hasSecondary = HasAcked(secondary, segment, end);
        if (hasPrimary && hasSecondary)
        {
            Spurious++;
        }
        else if (hasPrimary)
        {
            ForSecondary++;
        }
    }

    // Between two events of a connection on outdev the client has sent nothing.
    private void CountIdle(Segment segment, Progress progress)
    {
        if (progress.Heard < progress.Sent && primary.TryGetValue(segment.Connection, out ReplicaProgress? replica)
            && replica.AckedNs(progress.Heard + 1) is { } ackedNs)
        {
            long idleNs = segment.TimeNs - Math.Max(ackedNs, progress.EventNs);
            IdleHeldNs += idleNs > IdleNs ? idleNs : 0;
        }
    }

    private static bool HasAcked(IReadOnlyDictionary<Connection, ReplicaProgress> replicas, Segment segment, long end) =>
        replicas.TryGetValue(segment.Connection, out ReplicaProgress? replica)
        && replica.AckedNs(end) is { } timeNs && timeNs < segment.TimeNs;

    private sealed class Progress
    {
        /// <summary>When the last segment of either direction was on outdev, in nanoseconds.</summary>
        public long EventNs { get; set; }

        /// <summary>When the client has sent its last segment with payload, in nanoseconds.</summary>
        public long LastNs { get; set; }

        /// <summary>The end of what the client has sent, relative to its SYN.</summary>
        public long Sent { get; set; }

        /// <summary>The greatest acknowledgment that has reached it, relative to its SYN.</summary>
        public long Heard { get; set; }
    }
}
