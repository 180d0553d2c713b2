// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine.Tests.Bench;
using ColoWire.Simulation.World;

namespace ColoWire.Simulation.Guests;

/// <summary>Frames that a guest sends by its own timers, and malformed frames: they are never compared, so each replica sends
/// others.</summary>
internal sealed class NoiseSpeaker(Guest guest, FlowIdentity flow, long meanNs) : ISpeaker
{
    private long sayNs = guest.NowNs + guest.Random.NextInt64(2 * meanNs);

    public FlowIdentity Flow => flow;

    public void CopyFrom(ISpeaker other)
    {
        // A checkpoint copies nothing: the timers of each replica are independent.
    }

    public void Wake() => guest.WakeAt(this, sayNs);

    public bool Harm(HarmKind kind, Random random) => false;

    public void Act()
    {
        if (sayNs > guest.NowNs)
        {
            return;
        }

        sayNs = guest.NowNs + guest.Random.NextInt64(2 * meanNs);
        bool isBroken = guest.Random.Next(2) == 0;
        guest.Send(isBroken ? SentKind.Malformed : SentKind.Passed, flow, isBroken ? Broken() : Passed(), frame => frame);
        Wake();
    }

    private byte[] Passed()
    {
        int kind = guest.Random.Next(5);
        if (kind == 4)
        {
            return new Other(132, [1, 2, 3, 4, 5, 6, 7, 8]).Bytes();
        }

        (byte high, byte low) = kind switch
        {
            0 => ((byte)0x08, (byte)0x06),
            1 => ((byte)0x88, (byte)0xCC),
            2 => ((byte)0x00, (byte)0x26),
            _ => ((byte)0x88, (byte)0xB5),
        };
        byte[] body = new byte[guest.Random.Next(28, 100)];
        guest.Random.NextBytes(body);
        return [2, 0, 0, 0, 0, 99, 2, 0, 0, 0, 0, 1, high, low, .. body];
    }

    private byte[] Broken()
    {
        byte[] tcp = new Segment(1, [1, 2, 3]).Bytes();
        byte[] udp = new Datagram("broken").Bytes();
        switch (guest.Random.Next(6))
        {
            case 0:
                return tcp[..13];
            case 1:
                return tcp[..17];
            case 2:
                tcp[14] = 0x42;
                return tcp;
            case 3:
                tcp[16] = 0xFF;
                return tcp;
            case 4:
                tcp[14 + 20 + 12] = 0x20;
                return tcp;
            default:
                udp[14 + 20 + 4] = 0;
                udp[14 + 20 + 5] = 7;
                return udp;
        }
    }
}
