// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Linq;
using ColoWire.Engine.Tests.Bench;

namespace ColoWire.Simulation.Guests;

/// <summary>The header fields that one kernel chooses (R3): every field that may differ between replicas is drawn for each
/// frame.</summary>
internal sealed class Dresser(Random random, byte[] mac)
{
    private ushort nextId = (ushort)random.Next(65536);

    public Packet Dress(Packet packet, FlowIdentity flow) => packet with
    {
        Source = flow.Server,
        Destination = flow.Client,
        Vlans = flow.Vlans,
        MacSource = mac,
        Id = ++nextId,
        Ttl = random.Next(2) == 0 ? (byte)64 : (byte)random.Next(1, 256),
        TrafficClass = (byte)(random.Next(8) == 0 ? random.Next(256) : 0),
        DontFragment = random.Next(2) == 0,
        IpOptions = flow.IsIpv6 || random.Next(16) != 0 ? [] : [1, 1, 1, 1],
        PadTo = random.Next(2) == 0 ? 60 : random.Next(60, 80),
    };

    /// <summary>Options of a segment: timestamps, no-operations, or none.</summary>
    public byte[] TcpOptions() => random.Next(3) switch
    {
        0 => [],
        1 => [1, 1, 8, 10, .. RandomBytes(8)],
        _ => [1, 1, 1, 1],
    };

    public ushort Word() => (ushort)random.Next(65536);

    public bool Coin() => random.Next(2) == 0;

    private byte[] RandomBytes(int count) => [.. Enumerable.Range(0, count).Select(_ => (byte)random.Next(256))];
}
