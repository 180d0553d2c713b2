// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine;
using ColoWire.Simulation.World;

namespace ColoWire.Simulation;

/// <summary>How clients' frames reach the replicas.</summary>
internal enum Surroundings
{
    /// <summary>Something else mirrors them, and loses none.</summary>
    Mirrored,

    /// <summary>Something else mirrors them, and the secondary does not receive all.</summary>
    MirrorLoss,

    /// <summary>Through the appliance (<see cref="InboundMode.Mirror"/>).</summary>
    Inbound,
}

/// <summary>The wires of clients' frames that pass the appliance.</summary>
internal sealed record InboundOptions
{
    public LinkOptions FromClients { get; init; } = new();

    public LinkOptions ToClients { get; init; } = new();

    public LinkOptions ToPrimary { get; init; } = new();

    public LinkOptions ToSecondary { get; init; } = new();

    public int InjectPerCall { get; init; } = int.MaxValue;

    public long InjectStallNs { get; init; }
}

/// <content>Worlds in which clients' frames pass the appliance.</content>
internal sealed partial record SimulationOptions
{
    private const ulong GuestAddress = 0x02_00_00_00_00_01;

    public Surroundings Surroundings { get; init; }

    /// <summary>The wires of clients' frames; null where they do not pass the appliance.</summary>
    public InboundOptions? Inbound { get; init; }

    public bool IsInbound => Inbound is not null;

    /// <summary>Draws how clients' frames reach the replicas, from its own source of random numbers, so that all other properties
    /// of a seed stay as they are.</summary>
    private SimulationOptions WithSurroundings()
    {
        Random random = new(Seed ^ 0x0B0E);
        return random.Next(4) switch
        {
            0 => this with { Surroundings = Surroundings.Mirrored, MirrorLoss = 0, MirrorDatagramLoss = 0 },
            1 => this with { Surroundings = Surroundings.MirrorLoss },
            _ => ForInbound(random),
        };
    }

    private SimulationOptions ForInbound(Random random)
    {
        bool isClean = Profile == Profile.Clean;
        bool isLossy = UplinkLoss != 0;
        bool stalls = !isClean && random.Next(3) == 0;
        return this with
        {
            Surroundings = Surroundings.Inbound,
            UplinkLoss = 0,
            MirrorLoss = 0,
            MirrorDatagramLoss = 0,
            Engine = Engine with
            {
                Inbound = InboundMode.Mirror,
                Mode = CompareMode.Lockstep,
                // A segment may be lost twice on each of more wires before the timeout.
                CompareTimeoutMs = isClean ? 2 * Engine.CompareTimeoutMs : Engine.CompareTimeoutMs,
                GuestAddresses = random.Next(2) == 0 ? (ulong[])[GuestAddress] : ReadOnlyMemory<ulong>.Empty,
            },
            Inbound = new InboundOptions
            {
                FromClients = DrawLink(random, Features, isLossy, isClean),
                ToClients = DrawLink(random, Features, isLossy, isClean),
                ToPrimary = DrawLink(random, Features, isLossy, isClean),
                ToSecondary = DrawLink(random, Features, isLossy, isClean),
                InjectPerCall = stalls ? random.Next(1, 64) : int.MaxValue,
                InjectStallNs = stalls ? random.Next(1, 60) * Scheduler.Ms : 0,
            },
        };
    }
}
