// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine;
using ColoWire.Simulation.World;

namespace ColoWire.Simulation;

/// <summary>Optional features of a world, named so that a part that the engine does not support yet can be left out.</summary>
[Flags]
internal enum Features
{
    None = 0,

    /// <summary>Datagrams of one flow overtake each other (scenario 51).</summary>
    DatagramReordering = 1 << 0,

    /// <summary>One side sends IPv4 datagrams unfragmented, the other in fragments (scenarios 45 to 49).</summary>
    Fragments = 1 << 1,

    /// <summary>Frames that the secondary sent before a checkpoint arrive after it, and must not cause another checkpoint
    /// (scenarios 82, 94).</summary>
    LateSecondary = 1 << 2,

    /// <summary>A SYN, FIN or RST that only the secondary sends is a divergence at the timeout (scenario 76).</summary>
    SecondaryControl = 1 << 3,

    /// <summary>The other policies: <c>overflow</c> hold, <c>rst</c> pass, <c>dup</c> pass.</summary>
    Policies = 1 << 4,
}

/// <summary>The kind of a world.</summary>
internal enum Profile
{
    /// <summary>No difference, and no loss that retransmissions do not repair: no checkpoint may be requested.</summary>
    Clean,

    /// <summary>The secondary diverges now and then, and datagrams are lost.</summary>
    Harmful,

    /// <summary>As harmful, with few slots, flows and queue entries, and a slow inject port.</summary>
    Cramped,
}

/// <summary>All properties of a world that a seed determines before it begins.</summary>
internal sealed partial record SimulationOptions
{
    public int Seed { get; init; }

    public Features Features { get; init; }

    public Profile Profile { get; init; }

    public EngineOptions Engine { get; init; } = new();

    public HypervisorOptions Hypervisor { get; init; } = new();

    /// <summary>Time within which every duty has certainly processed all waiting frames, in nanoseconds.</summary>
    public long ReactionNs => (50 * Scheduler.Ms) + (4L * MissedRounds * RoundNs);

    public LinkOptions PrimaryLink { get; init; } = new();

    public LinkOptions SecondaryLink { get; init; } = new();

    public int TcpFlows { get; init; }

    public int DatagramFlows { get; init; }

    public int EchoFlows { get; init; }

    public int ConnectionsPerFlow { get; init; }

    /// <summary>How long new events happen, in nanoseconds; then the world may come to rest before it stops.</summary>
    public long DurationNs { get; init; }

    /// <summary>Whether the world stops without coming to rest.</summary>
    public bool StopsAbruptly { get; init; }

    /// <summary>Loss rates between the client and both guests, and on the copy to the secondary alone.</summary>
    public double UplinkLoss { get; init; }

    public double MirrorLoss { get; init; }

    /// <summary>Probability that the secondary does not receive a client's datagram.</summary>
    public double MirrorDatagramLoss { get; init; }

    public int Harms { get; init; }

    /// <summary>How often both replicas send a segment outside of the stream of a connection.</summary>
    public int Asides { get; init; }

    /// <summary>How often an interface goes down and up, or frames bypass ColoWire for a while.</summary>
    public int Outages { get; init; }

    public int LargestPiece { get; init; }

    public int InjectPerCall { get; init; } = int.MaxValue;

    public long InjectStallNs { get; init; }

    /// <summary>Greatest time between two rounds of polls, in nanoseconds.</summary>
    public long RoundNs { get; init; }

    /// <summary>Greatest number of successive rounds in which a duty is not polled.</summary>
    public int MissedRounds { get; init; }

    public bool IsObserving => Engine.Mode == CompareMode.Observe;

    public bool Has(Features feature) => (Features & feature) != 0;

    public static SimulationOptions Draw(int seed, Features features)
    {
        Random random = new(seed);
        Profile profile = random.Next(10) switch { < 4 => Profile.Clean, < 8 => Profile.Harmful, _ => Profile.Cramped };
        bool isCramped = profile == Profile.Cramped;
        bool isClean = profile == Profile.Clean;
        bool isObserving = random.Next(6) == 0;
        bool isLossy = random.Next(3) != 0;
        int largeSlots = random.Next(2) * 64;
        HypervisorOptions hypervisor = new()
        {
            Synchronises = !isObserving && (isClean || random.Next(8) != 0),
            LongestNs = random.Next(10, 400) * Scheduler.Ms,
            Failures = random.Next(2) * 0.3,
            Deafness = random.Next(3) == 0 ? 0.3 : 0,
            UnaskedNs = random.Next(2) * random.Next(500, 5000) * Scheduler.Ms,
            TellsBeginning = seed % 2 == 0,
            BreakOffs = !isClean && random.Next(3) == 0 ? 0.3 : 0,
            Echoes = random.Next(3) == 0 ? 0.5 : 0,
        };
        return new SimulationOptions
        {
            Seed = seed,
            Features = features,
            Profile = profile,
            Hypervisor = hypervisor,
            Engine = DrawEngine(random, seed, features, isCramped, isClean) with
            {
                Mode = isObserving ? CompareMode.Observe : CompareMode.Lockstep,
                LargeSlotsPerSide = largeSlots,
            },
            PrimaryLink = DrawLink(random, features, isLossy, isClean),
            // In observe mode the client receives the primary's frames at once, so it does not retransmit what only the secondary
            // missed.
            SecondaryLink = DrawLink(random, features, isLossy && !isObserving, isClean),
            TcpFlows = random.Next(1, 8),
            DatagramFlows = random.Next(0, 6),
            EchoFlows = random.Next(0, 3),
            ConnectionsPerFlow = random.Next(1, 5),
            DurationNs = random.Next(4, 12) * 1000 * Scheduler.Ms,
            StopsAbruptly = random.Next(3) == 0,
            UplinkLoss = isLossy ? random.NextDouble() * 0.05 : 0,
            MirrorLoss = isLossy ? random.NextDouble() * 0.1 : 0,
            MirrorDatagramLoss = isClean ? 0 : random.Next(2) * 0.02,
            Harms = isClean ? 0 : random.Next(0, 5),
            Asides = isObserving ? 0 : random.Next(0, 30),
            // The divergences that an outage causes end only with a checkpoint.
            Outages = isClean || !hypervisor.Synchronises || random.Next(2) == 0 ? 0 : random.Next(1, 4),
            LargestPiece = largeSlots == 0 ? 1461 : random.Next(1461, 16_000),
            InjectPerCall = isCramped || random.Next(4) == 0 ? random.Next(1, 64) : int.MaxValue,
            InjectStallNs = isCramped || random.Next(4) == 0 ? random.Next(1, 200) * Scheduler.Ms : 0,
            RoundNs = random.Next(3) == 0 ? 2 * Scheduler.Ms : 200_000,
            MissedRounds = random.Next(1, 8),
        }.WithSurroundings();
    }

    private static EngineOptions DrawEngine(Random random, int seed, Features features, bool isCramped, bool isClean)
    {
        bool choosesPolicies = (features & Features.Policies) != 0;
        bool passesDuplicates = choosesPolicies && random.Next(4) == 0;
        return new EngineOptions
        {
            Duplicate = passesDuplicates ? DuplicatePolicy.Pass : DuplicatePolicy.Hold,
            // Equal datagrams of the primary leave before the secondary has sent them; they must still be recorded when the
            // secondary's arrive.
            RetransmitWindow = passesDuplicates ? EngineLimits.RetransmitWindow.Maximum : EngineLimits.RetransmitWindow.Default,
            Shards = random.Next(1, 5),
            SlotsPerSide = isCramped ? random.Next(64, 300) : 4096,
            Flows = isCramped && random.Next(2) == 0 ? 16 : 1024,
            MaxQueueSize = isCramped && random.Next(2) == 0 ? random.Next(1, 40) : 1024,
            // In a clean world a segment may be lost twice on every link before the timeout.
            CompareTimeoutMs = isClean ? 6000 : random.Next(500, 4000),
            ExpiredScanCycleMs = random.Next(10, 1000),
            // A datagram may be overtaken by as much as the delays of a link and of a slow poll add up to.
            GraceMs = (features & Features.DatagramReordering) != 0 ? 200 : EngineLimits.GraceMs.Default,
            ReorderWindow = (features & Features.DatagramReordering) != 0 ? 4096 : EngineLimits.ReorderWindow.Default,
            CheckpointRetryMs = random.Next(100, 2000),
            HashKey = FlowHashKey.FromSeed((ulong)seed),
            Overflow = choosesPolicies && random.Next(2) == 0 ? OverflowPolicy.Hold : OverflowPolicy.Flush,
            Reset = choosesPolicies && random.Next(4) == 0 ? ResetPolicy.Pass : ResetPolicy.Compare,
            // Checksums are random here: one in 65,536 would look partial, and the oracle requires that each frame leaves as it
            // was sent.
            PartialChecksums = PartialChecksumPolicy.Pass,
        };
    }

    private static LinkOptions DrawLink(Random random, Features features, bool isLossy, bool isClean) => new()
    {
        DelayNs = random.Next(10_000, 1_000_000),
        JitterNs = random.Next(3) == 0 ? random.Next(1, 4) * Scheduler.Ms : 50_000,
        Loss = isLossy ? random.NextDouble() * 0.08 : 0,
        Duplication = random.Next(2) * 0.02,
        Reordering = random.Next(2) * 0.1,
        Stalls = random.Next(3) == 0 ? 0.002 : 0,
        StallNs = random.Next(1, 60) * Scheduler.Ms,
        HarmsDatagrams = !isClean && random.Next(2) == 0,
        ReordersDatagrams = (features & Features.DatagramReordering) != 0,
    };
}
