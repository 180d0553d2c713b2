// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using ColoWire.Engine.Tests.Bench;
using ColoWire.Simulation.World;

namespace ColoWire.Simulation.Guests;

/// <summary>One replica's end of a flow of datagrams: it sends one answer for each request, in order, with delays of its
/// own.</summary>
internal sealed class DatagramSpeaker(Guest guest, FlowIdentity flow, bool cutsLongOnes) : ISpeaker
{
    private Queue<byte[]> toSay = new();
    private HarmKind? harm;
    private long sayNs = Scheduler.Never;

    public FlowIdentity Flow => flow;

    public void CopyFrom(ISpeaker other)
    {
        DatagramSpeaker primary = (DatagramSpeaker)other;
        toSay = new Queue<byte[]>(primary.toSay);
        sayNs = primary.sayNs;
        harm = null;
    }

    public void Wake() => guest.WakeAt(this, sayNs);

    public bool Harm(HarmKind kind, Random random)
    {
        // Of datagrams, silence is the same harm as one missing datagram: one is enough for a divergence.
        harm = kind == HarmKind.Silence ? HarmKind.Missing : kind;
        return true;
    }

    /// <summary>Receives a request of the client, with the answers to send.</summary>
    public void Hear(IEnumerable<byte[]> answers)
    {
        foreach (byte[] answer in answers)
        {
            toSay.Enqueue(answer);
        }

        sayNs = Math.Min(sayNs, guest.NowNs + guest.Pace());
        Wake();
    }

    public void Act()
    {
        if (sayNs > guest.NowNs)
        {
            return;
        }

        sayNs = Scheduler.Never;
        if (toSay.TryDequeue(out byte[]? payload))
        {
            SayHarmed(payload);
            sayNs = toSay.Count == 0 ? Scheduler.Never : guest.NowNs + (guest.Random.Next(3) == 0 ? guest.Pace() : 0);
        }

        Wake();
    }

    private void SayHarmed(byte[] payload)
    {
        HarmKind? now = harm;
        harm = null;
        if (now is not null)
        {
            guest.NoteHarm(flow);
        }

        if (now == HarmKind.OtherBytes)
        {
            payload = [.. payload];
            payload[guest.Random.Next(payload.Length)] ^= (byte)guest.Random.Next(1, 256);
        }

        if (now != HarmKind.Missing)
        {
            Say(payload);
        }

        if (now == HarmKind.Additional)
        {
            Say([.. payload, 1]);
        }
    }

    private void Say(byte[] payload)
    {
        Packet packet = flow.Sort == FlowSort.Echo
            ? new Echo(7, 1, payload)
            : new Datagram(payload) { SourcePort = 53, DestinationPort = 40_000, Checksum = guest.Dresser.Word() };
        packet = guest.Dresser.Dress(packet, flow);
        if (!cutsLongOnes || flow.IsIpv6 || payload.Length < 64 || guest.Random.Next(2) == 0)
        {
            guest.Send(SentKind.Datagram, flow, packet.Bytes(), frame => frame with { Payload = payload });
            return;
        }

        List<byte[]> parts = FragmentCutter.Cut((packet with { DontFragment = false, IpOptions = [], PadTo = 0 }).Bytes(), guest.Random);
        long datagram = guest.NextDatagram();
        foreach (byte[] part in parts)
        {
            guest.Send(SentKind.Datagram, flow, part, frame => frame with { Payload = payload, Fragment = (datagram, parts.Count) });
        }
    }
}
