// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using ColoWire.Engine.Tests.Bench;

namespace ColoWire.Engine.Tests.Properties;

/// <summary>
/// A simple model of the comparer: every byte is in a dictionary, and every result is computed from the start. It is slow and
/// obvious; the engine must agree with it after each frame. It has the grace and the final timeout, but no limits of memory.
/// </summary>
public sealed class ReferenceModel(long graceNs)
{
    private readonly Dictionary<(ushort Port, bool IsTcp), Connection> connections = [];

    /// <summary>The packets that have left, in order.</summary>
    public List<Packet> Out { get; } = [];

    /// <summary>The ports of the flows that diverged, with the reason, in the order of detection.</summary>
    public List<(ushort Port, DivergenceReason Reason)> Diverged { get; } = [];

    public void Primary(Packet packet, long nowNs)
    {
        Connection connection = Of(packet);
        Waiting waiting = new(packet, nowNs);
        connection.Held.Add(waiting);
        if (packet is Datagram datagram)
        {
            Agree(connection, waiting, connection.Datagrams.Find(said => said.Payload.SequenceEqual(datagram.Payload)));
        }

        Drain(connection, nowNs);
    }

    /// <param name="packet">The packet that the secondary sent.</param>
    /// <param name="shift">The number to add to the secondary's sequence numbers to get the primary's.</param>
    /// <param name="nowNs">The time, in nanoseconds.</param>
    public void Secondary(Packet packet, uint shift, long nowNs)
    {
        Connection connection = Of(packet);
        if (connection.IsDiverged)
        {
            return;
        }

        if (packet is Segment segment)
        {
            Say(connection, segment, shift);
        }
        else
        {
            Said said = new(((Datagram)packet).Payload, nowNs);
            connection.Datagrams.Add(said);
            Agree(connection,
                connection.Held.Find(w => w.Said is null && ((Datagram)w.Packet).Payload.SequenceEqual(said.Payload)), said);
        }

        Drain(connection, nowNs);
    }

    /// <summary>Advances the time: a packet that has been suspect for longer than the grace is a divergence.</summary>
    public void Pass(long nowNs)
    {
        foreach (Connection connection in
            connections.Values.Where(c => !c.IsDiverged && c.Suspect != null && nowNs - c.SuspectSinceNs >= graceNs))
        {
            Diverge(connection, connection.Suspect switch
            {
                Waiting { Packet: Segment } => DivergenceReason.Retransmit,
                not null when connection.Datagrams.Count > 0 && connection.Held.Count > 0 => DivergenceReason.Payload,
                _ => DivergenceReason.Timeout,
            });
        }
    }

    /// <summary>The flows that diverge when the compare timeout ends: those with a packet that has no twin.</summary>
    public IEnumerable<ushort> Unfinished() => connections.Values
        .Where(c => !c.IsDiverged && (c.Held.Count > 0 || c.Datagrams.Count > 0 || c.HasUnspoken))
        .Select(c => c.Port);

    private static ushort PortOf(Packet packet) => packet is Segment segment ? segment.SourcePort : ((Datagram)packet).SourcePort;

    private static void Say(Connection connection, Segment segment, uint shift)
    {
        uint start = segment.Sequence + (segment.Syn ? 0 : shift);
        if (segment.Syn)
        {
            connection.Syn = true;
        }

        connection.Rst |= segment.Rst;
        for (int i = 0; i < segment.Payload.Length; i++)
        {
            // The first copy of a byte is compared; the later copies are recorded because the primary may retransmit them, too.
            connection.Bytes.TryAdd(start + (uint)i, segment.Payload[i]);
            connection.Said.Add((start + (uint)i, segment.Payload[i]));
        }

        if (segment.Fin)
        {
            connection.Fin = start + (uint)segment.Payload.Length;
        }

        if (segment.HasAck && (connection.Ack is null || (int)(segment.Ack - connection.Ack.Value) > 0))
        {
            connection.Ack = segment.Ack;
        }
    }

    private Connection Of(Packet packet)
    {
        (ushort Port, bool) key = (PortOf(packet), packet is Segment);
        if (!connections.TryGetValue(key, out Connection? connection))
        {
            connections[key] = connection = new Connection { Port = key.Port };
        }

        return connection;
    }

    private void Diverge(Connection connection, DivergenceReason reason)
    {
        connection.IsDiverged = true;
        Diverged.Add((connection.Port, reason));
    }

    private void Drain(Connection connection, long nowNs)
    {
        Waiting? changed = null;
        while (connection.Held.Count > 0 && !connection.IsDiverged)
        {
            Packet oldest = connection.Held[0].Packet;
            DivergenceReason? reason = oldest is Segment different ? Difference(connection, different) : null;
            if (reason == DivergenceReason.Retransmit)
            {
                changed = connection.Held[0];
                break;
            }

            if (reason is not null)
            {
                Diverge(connection, reason.Value);
                return;
            }

            if (!(oldest is Segment segment ? MayGo(connection, segment) : connection.Held[0].Said is not null))
            {
                break;
            }

            Note(connection, oldest);
            connection.Held.RemoveAt(0);
            Out.Add(oldest);
        }

        NoteSuspect(connection, changed, nowNs);
    }

    /// <summary>Suspect are a segment of which only the primary has changed bytes, and datagrams: those that were overtaken, or
    /// else those that wait while the other side has datagrams waiting or has sent one since.</summary>
    private static void NoteSuspect(Connection connection, Waiting? changed, long nowNs)
    {
        Waiting? oldest = connection.Held.FirstOrDefault();
        Said? first = connection.Datagrams.FirstOrDefault();
        Waiting? last = connection.Held.Contains(connection.LastAgreed!) ? connection.LastAgreed : null;
        bool isSuspect = first is not null || last?.Said!.AtNs >= oldest?.AtNs;
        object? suspect = changed ?? (first is { IsOvertaken: true } ? first : isSuspect ? (object?)oldest : null);
        if (!ReferenceEquals(suspect, connection.Suspect))
        {
            connection.Suspect = suspect;
            connection.SuspectSinceNs = nowNs;
        }
    }

    /// <summary>Two datagrams are equal: the datagrams that the secondary sent before are overtaken.</summary>
    private static void Agree(Connection connection, Waiting? waiting, Said? said)
    {
        if (waiting is null || said is null)
        {
            return;
        }

        waiting.Said = said;
        bool isLast = connection.Held[0] != waiting
            && (!connection.Held.Contains(connection.LastAgreed!) || said.AtNs >= connection.LastAgreed!.Said!.AtNs);
        connection.LastAgreed = isLast ? waiting : connection.LastAgreed;
        connection.Datagrams.TakeWhile(s => s != said).ToList().ForEach(s => s.IsOvertaken = true);
        connection.Datagrams.Remove(said);
    }

    private static DivergenceReason? Difference(Connection connection, Segment segment)
    {
        if (segment.Syn || segment.Rst)
        {
            return null;
        }

        uint at = segment.Sequence;
        foreach (byte value in segment.Payload)
        {
            if (connection.Left.TryGetValue(at, out byte left))
            {
                if (left != value && !connection.Said.Contains((at, value)))
                {
                    return DivergenceReason.Retransmit;
                }
            }
            else if (!connection.Bytes.TryGetValue(at, out byte said))
            {
                bool neverComes = connection.Rst || (connection.Fin is { } fin && (int)(at - fin) >= 0);
                return neverComes ? DivergenceReason.Control : null;
            }
            else if (said != value)
            {
                return DivergenceReason.Payload;
            }

            at++;
        }

        return segment.Fin && connection.Fin is not null && connection.Fin != at ? DivergenceReason.Control : null;
    }

    private static bool MayGo(Connection connection, Segment segment)
    {
        bool acked = connection.Ack is not null && (int)(segment.Ack - connection.Ack.Value) <= 0;
        if (segment.Rst)
        {
            return connection.Rst;
        }

        return (!segment.Syn || connection.Syn)
            && Enumerable.Range(0, segment.Payload.Length).All(i => connection.Bytes.ContainsKey(segment.Sequence + (uint)i))
            && (!segment.Fin || connection.Fin == segment.Sequence + (uint)segment.Payload.Length)
            && acked;
    }

    private static void Note(Connection connection, Packet leaving)
    {
        if (leaving is Segment segment)
        {
            connection.SynLeft |= segment.Syn;
            connection.RstLeft |= segment.Rst;
            connection.FinLeft |= segment.Fin;
            for (int i = 0; i < segment.Payload.Length; i++)
            {
                connection.Left[segment.Sequence + (uint)i] = segment.Payload[i];
            }
        }
    }

    private sealed class Waiting(Packet packet, long atNs)
    {
        public Packet Packet => packet;

        public long AtNs => atNs;

        /// <summary>The equal datagram of the secondary, once it has been received.</summary>
        public Said? Said { get; set; }
    }

    private sealed class Said(byte[] payload, long atNs)
    {
        public byte[] Payload => payload;

        public long AtNs => atNs;

        public bool IsOvertaken { get; set; }
    }

    private sealed class Connection
    {
        public required ushort Port { get; init; }

        public List<Waiting> Held { get; } = [];

        /// <summary>The bytes that the secondary has sent; <see cref="Left"/> has those of them that have left.</summary>
        public Dictionary<uint, byte> Bytes { get; } = [];

        public Dictionary<uint, byte> Left { get; } = [];

        /// <summary>All byte values that the secondary has ever sent, with their positions.</summary>
        public HashSet<(uint At, byte Value)> Said { get; } = [];

        public List<Said> Datagrams { get; } = [];

        /// <summary>Of the waiting datagrams that have a twin, the one whose twin was sent last.</summary>
        public Waiting? LastAgreed { get; set; }

        public uint? Ack { get; set; }

        public uint? Fin { get; set; }

        public bool Syn { get; set; }

        public bool Rst { get; set; }

        public bool SynLeft { get; set; }

        public bool FinLeft { get; set; }

        public bool RstLeft { get; set; }

        public object? Suspect { get; set; }

        public long SuspectSinceNs { get; set; }

        public bool IsDiverged { get; set; }

        /// <summary>Whether the secondary has sent something that the primary has not sent.</summary>
        public bool HasUnspoken =>
            (Syn && !SynLeft) || (Fin != null && !FinLeft) || (Rst && !RstLeft) || Bytes.Keys.Any(at => !Left.ContainsKey(at));
    }
}
