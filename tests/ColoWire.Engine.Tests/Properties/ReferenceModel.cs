// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using System.Linq;
using ColoWire.Engine.Compare;
using ColoWire.Engine.Tests.Bench;

namespace ColoWire.Engine.Tests.Properties;

/// <summary>
/// The comparer as one would explain it on a blackboard: every byte in a dictionary, every question asked anew. Slow and obvious;
/// the engine must agree with it. It knows neither time nor bounds.
/// </summary>
public sealed class ReferenceModel
{
    private readonly Dictionary<(ushort Port, bool IsTcp), Connection> connections = [];

    /// <summary>What has left, in order.</summary>
    public List<Packet> Out { get; } = [];

    /// <summary>The ports of the flows that diverged, with the reason, in the order in which that was found.</summary>
    public List<(ushort Port, DivergenceReason Reason)> Diverged { get; } = [];

    public void Primary(Packet packet)
    {
        Of(packet).Held.Add(packet);
        Drain(Of(packet));
    }

    public void Secondary(Packet packet)
    {
        Connection connection = Of(packet);
        if (connection.IsDiverged)
        {
            return;
        }

        if (packet is Segment segment)
        {
            for (int i = 0; i < segment.Payload.Length; i++)
            {
                // The first copy of a byte counts.
                connection.Said.TryAdd(segment.Sequence + (uint)i, segment.Payload[i]);
            }

            if (segment.Fin)
            {
                connection.Fin = segment.Sequence + (uint)segment.Payload.Length;
            }

            if (connection.Ack is null || (int)(segment.Ack - connection.Ack.Value) > 0)
            {
                connection.Ack = segment.Ack;
            }
        }
        else
        {
            connection.Datagrams.Add(((Datagram)packet).Payload);
        }

        Drain(connection);
    }

    private static ushort PortOf(Packet packet) => packet is Segment segment ? segment.SourcePort : ((Datagram)packet).SourcePort;

    private Connection Of(Packet packet)
    {
        (ushort, bool) key = (PortOf(packet), packet is Segment);
        if (!connections.TryGetValue(key, out Connection? connection))
        {
            connections[key] = connection = new Connection();
        }

        return connection;
    }

    private void Drain(Connection connection)
    {
        while (connection.Held.Count > 0 && !connection.IsDiverged)
        {
            Packet oldest = connection.Held[0];
            DivergenceReason? difference = oldest is Segment segment ? Difference(connection, segment) : Difference(connection, (Datagram)oldest);
            if (difference is not null)
            {
                connection.IsDiverged = true;
                Diverged.Add((PortOf(oldest), difference.Value));
                return;
            }

            if (!(oldest is Segment s ? MayGo(connection, s) : connection.Datagrams.Count > 0))
            {
                return;
            }

            if (oldest is Datagram)
            {
                connection.Datagrams.RemoveAt(0);
            }

            connection.Held.RemoveAt(0);
            Out.Add(oldest);
        }
    }

    private static DivergenceReason? Difference(Connection connection, Segment segment)
    {
        uint at = segment.Sequence;
        foreach (byte value in segment.Payload)
        {
            if (!connection.Said.TryGetValue(at, out byte said))
            {
                return connection.Fin is not null && (int)(at - connection.Fin.Value) >= 0 ? DivergenceReason.Control : null;
            }

            if (said != value)
            {
                return DivergenceReason.Payload;
            }

            at++;
        }

        return segment.Fin && connection.Fin is not null && connection.Fin != at ? DivergenceReason.Control : null;
    }

    private static DivergenceReason? Difference(Connection connection, Datagram datagram) =>
        connection.Datagrams.Count > 0 && !connection.Datagrams[0].SequenceEqual(datagram.Payload) ? DivergenceReason.Payload : null;

    private static bool MayGo(Connection connection, Segment segment) =>
        Enumerable.Range(0, segment.Payload.Length).All(i => connection.Said.ContainsKey(segment.Sequence + (uint)i))
        && (!segment.Fin || connection.Fin == segment.Sequence + (uint)segment.Payload.Length)
        && connection.Ack is not null && (int)(segment.Ack - connection.Ack.Value) <= 0;

    private sealed class Connection
    {
        public List<Packet> Held { get; } = [];

        public Dictionary<uint, byte> Said { get; } = [];

        public List<byte[]> Datagrams { get; } = [];

        public uint? Ack { get; set; }

        public uint? Fin { get; set; }

        public bool IsDiverged { get; set; }
    }
}
