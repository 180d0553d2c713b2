// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using ColoWire.Engine.Frames;
using ColoWire.Simulation.World;

namespace ColoWire.Simulation.Guests;

/// <content>Clients whose frames pass the appliance, and what the replicas read of them.</content>
internal sealed partial class Population
{
    private const long MeanNoiseNs = 200 * Scheduler.Ms;

    private readonly ClientWriter writer;
    private readonly Action<SentFrame> sendWorld;
    private readonly Dictionary<long, byte[][]> requests = [];

    /// <summary>The source of what only replicas with numbers of their own need.</summary>
    private readonly Random numbers;

    /// <summary>A replica has accepted a client's RST on a connection of a flow.</summary>
    public event Action<Side, int, int>? WasReset;

    /// <summary>A client aborts a connection of a flow.</summary>
    public event Action<int, int>? Aborted;

    /// <summary>The connection to which a client's segment belongs.</summary>
    public TcpScript ScriptOf(SentFrame frame) => scripts[frame.Flow][frame.Connection];

    /// <summary>A replica reads a client's frame.</summary>
    public void Read(Guest guest, SentFrame frame)
    {
        if (frame.Kind == SentKind.Datagram)
        {
            ((DatagramSpeaker)guest.Speakers[frame.Flow]).Hear(requests[frame.Number]);
        }
        else if (frame.Kind == SentKind.Segment && WireSegment.TryRead(frame.Bytes, out WireSegment wire))
        {
            TcpSpeaker.Of(guest, frame.Flow).Read(ScriptOf(frame), in wire);
        }
    }

    private TcpClient NewInboundClient(FlowIdentity flow) =>
        new(
            scheduler, new Random(random.Next()), scripts[flow.Number],
            (segment, _) => sendWorld(writer.Write(flow, in segment)))
        {
            Aborts = script => Aborted?.Invoke(flow.Number, script.Connection),
            // Both replicas open it at the same instant: a checkpoint comes before it or after it, never between.
            Opens = script => scheduler.After(random.NextInt64(LatestStartNs), () =>
            {
                Primary.Hear(() => TcpSpeaker.Of(Primary, flow.Number).Open(script));
                Secondary.Hear(() => TcpSpeaker.Of(Secondary, flow.Number).Open(script));
            }),
        };

    private void SendRequest(FlowIdentity flow, byte[][] answers)
    {
        byte[] payload = new byte[random.Next(1, 200)];
        random.NextBytes(payload);
        SentFrame request = writer.WriteRequest(flow, payload);
        requests[request.Number] = answers;
        sendWorld(request);
    }

    private uint DrawClockOffset() => !options.IsInbound || numbers.Next(4) == 0 ? 0 : (uint)numbers.NextInt64(1L << 32);

    private void StartWorldNoise()
    {
        if (options.IsInbound)
        {
            scheduler.After(numbers.NextInt64(2 * MeanNoiseNs), SayWorldNoise);
        }
    }

    private void SayWorldNoise()
    {
        byte[] other = [2, 0, 0, 0, 0, 77];
        byte[] body = new byte[numbers.Next(46, 100)];
        (byte[] destination, byte[] source, Concern concern) = numbers.Next(6) switch
        {
            0 => ((byte[])[1, 0, 0x5E, 0, 0, 1], ClientWriter.ClientMac, Concern.Both),
            1 => ((byte[])[1, 0x80, 0xC2, 0, 0, (byte)numbers.Next(16)], ClientWriter.ClientMac, Concern.None),
            2 => ((byte[])[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], ClientWriter.GuestMac, Concern.UntilKnown),
            3 => (other, ClientWriter.ClientMac, Concern.UntilKnown),
            4 => (ClientWriter.GuestMac, ClientWriter.ClientMac, Concern.Both),
            _ => ((byte[])[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], ClientWriter.ClientMac, Concern.Both),
        };
        sendWorld(writer.WriteNoise(Flows[^1], [.. destination, .. source, 8, 6, .. body], concern));
        StartWorldNoise();
    }
}
