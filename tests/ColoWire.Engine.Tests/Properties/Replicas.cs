// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Tests.Bench;

namespace ColoWire.Engine.Tests.Properties;

/// <summary>
/// Two replicas that say the same, each in its own way: cut, repeated, reordered and dressed differently, and interleaved at random.
/// Everything from one seed.
/// </summary>
public sealed class Replicas
{
    private const int TcpFlows = 3;
    private const int UdpFlows = 2;

    private readonly Random random;

    public Replicas(ulong seed, bool harmOne)
    {
        random = new Random((int)(seed ^ (seed >> 32)));
        List<List<Packet>> primary = [];
        List<List<Packet>> secondary = [];
        int harmed = harmOne ? random.Next(TcpFlows + UdpFlows) : -1;
        for (int flow = 0; flow < TcpFlows; flow++)
        {
            byte[] stream = new byte[random.Next(1, 4000)];
            random.NextBytes(stream);
            uint start = (uint)random.NextInt64(uint.MaxValue + 1L);
            ushort port = (ushort)(1000 + flow);
            primary.Add(Say(stream, start, port));
            if (flow == harmed)
            {
                stream[random.Next(stream.Length)] ^= (byte)random.Next(1, 256);
                HarmedPort = port;
            }

            secondary.Add(Say(stream, start, port));
        }

        for (int flow = 0; flow < UdpFlows; flow++)
        {
            byte[][] datagrams = [.. Enumerable.Range(0, random.Next(1, 10)).Select(_ => RandomBytes(random.Next(1, 300)))];
            ushort port = (ushort)(2000 + flow);
            primary.Add([.. datagrams.Select(d => Dress(new Datagram(d) { SourcePort = port }))]);
            if (TcpFlows + flow == harmed)
            {
                byte[] one = datagrams[random.Next(datagrams.Length)] = [.. datagrams[random.Next(datagrams.Length)]];
                one[random.Next(one.Length)] ^= (byte)random.Next(1, 256);
                HarmedPort = port;
            }

            secondary.Add([.. datagrams.Select(d => Dress(new Datagram(d) { SourcePort = port }))]);
        }

        Events = Interleave(primary, secondary);
    }

    /// <summary>What arrives, in order.</summary>
    public IReadOnlyList<(Side Side, Packet Packet)> Events { get; }

    /// <summary>The port of the flow in which the replicas differ; 0 when they do not.</summary>
    public ushort HarmedPort { get; }

    private byte[] RandomBytes(int count)
    {
        byte[] bytes = new byte[count];
        random.NextBytes(bytes);
        return bytes;
    }

    /// <summary>The stream as one replica sends it: cut anywhere, some of it twice, some of it out of order, acknowledgments growing.</summary>
    private List<Packet> Say(byte[] stream, uint start, ushort port)
    {
        List<Segment> segments = [];
        bool finApart = random.Next(2) == 0;
        for (int at = 0; at < stream.Length;)
        {
            int count = Math.Min(random.Next(1, 1460), stream.Length - at);
            bool last = at + count == stream.Length;
            segments.Add(new Segment(start + (uint)at, stream[at..(at + count)]) { Fin = last && !finApart, Psh = random.Next(2) == 0 });
            at += count;
            if (random.Next(4) == 0)
            {
                int from = random.Next(at);
                int to = random.Next(from + 1, at + 1);
                segments.Add(new Segment(start + (uint)from, stream[from..to]));
            }
        }

        if (finApart)
        {
            segments.Add(new Segment(start + (uint)stream.Length, []) { Fin = true });
        }

        for (int i = 0; i + 1 < segments.Count; i++)
        {
            // A frame that says how far the stream goes may not be overtaken: a FIN first is another property's matter.
            if (random.Next(5) == 0 && !segments[i + 1].Fin)
            {
                (segments[i], segments[i + 1]) = (segments[i + 1], segments[i]);
            }
        }

        uint acked = 5000;
        return
        [
            .. segments.Select(s => Dress(s with { SourcePort = port, Ack = acked += (uint)random.Next(3), Window = (ushort)random.Next(65536) })),
            Dress(new Segment(start + (uint)stream.Length + 1, []) { SourcePort = port, Ack = 9000 }),
        ];
    }

    private Packet Dress(Packet packet) => packet with
    {
        Id = (ushort)random.Next(65536),
        Ttl = (byte)random.Next(1, 256),
        PadTo = random.Next(2) == 0 ? 60 : 0,
    };

    private List<(Side Side, Packet Packet)> Interleave(List<List<Packet>> primary, List<List<Packet>> secondary)
    {
        List<(Side Side, Queue<Packet> Packets)> queues =
        [
            .. primary.Select(p => (Side.Primary, new Queue<Packet>(p))),
            .. secondary.Select(s => (Side.Secondary, new Queue<Packet>(s))),
        ];
        List<(Side Side, Packet Packet)> events = [];
        while (queues.Count > 0)
        {
            int pick = random.Next(queues.Count);
            events.Add((queues[pick].Side, queues[pick].Packets.Dequeue()));
            if (queues[pick].Packets.Count == 0)
            {
                queues.RemoveAt(pick);
            }
        }

        return events;
    }
}
