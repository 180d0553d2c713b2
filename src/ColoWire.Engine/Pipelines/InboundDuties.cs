// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using ColoWire.Engine.Capture;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Egress;
using ColoWire.Engine.Exits;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Shards;

namespace ColoWire.Engine.Pipelines;

/// <summary>
/// The duties of one pipeline for the frames of clients (<see cref="InboundMode.Mirror"/>): one receives them, and one for each
/// replica sends them.
/// </summary>
public sealed class InboundDuties : IDuty
{
    internal InboundDuties(
        EngineOptions options, PipelinePorts ports, ShardRings[] rings, PipelinesShare shared, IReadOnlyList<Shard> shards,
        InboundDuties? failed)
    {
        GuestState guest = shared.Guest;
        InboundPorts inbound = ports.Inbound!;
        InboundRings[] ofShards = Array.ConvertAll(rings, r => r.Inbound!);
        ToPrimary = new GuestEgressDuty(
            ports.Arena, inbound.ToPrimary, Array.ConvertAll(ofShards, r => r.ToPrimary),
            Array.ConvertAll(ofShards, r => r.MissedByPrimary), guest, failed?.ToPrimary);
        ToSecondary = new GuestEgressDuty(
            ports.Arena, inbound.ToSecondary, Array.ConvertAll(ofShards, r => r.ToSecondary),
            Array.ConvertAll(ofShards, r => r.MissedBySecondary), guest, failed?.ToSecondary);
        GuestAddresses[] addresses = new GuestAddresses[shards.Count];
        for (int i = 0; i < addresses.Length; i++)
        {
            addresses[i] = shards[i].Addresses;
        }

        World = new WorldCaptureDuty(
            inbound.World, [inbound.ToPrimary, inbound.ToSecondary], ports.Arena.World!, ofShards,
            [ToPrimary.Home, ToSecondary.Home], guest, options,
            failed?.World.Filter ?? new InboundFilter(addresses, shared.WorldAddresses));
    }

    /// <summary>Polls all three duties, where they run on a core of their own or with others than the rest of the
    /// pipeline.</summary>
    /// <inheritdoc/>
    public int Poll(long nowNs) => World.Poll(nowNs) + ToPrimary.Poll(nowNs) + ToSecondary.Poll(nowNs);

    /// <summary>Marks the clients' slots as free, except those that a port still uses, after a duty has failed. Clients send
    /// again what was lost.</summary>
    internal void RecoverSlots(InboundPorts ports, SlotPool pool)
    {
        FrameRef[] done = new FrameRef[EngineLimits.BatchFrames];
        while (ports.ToPrimary.Reclaim(done) != 0 || ports.ToSecondary.Reclaim(done) != 0
            || ports.ToPrimary.ReclaimLost(done) != 0 || ports.ToSecondary.ReclaimLost(done) != 0)
        {
            // Nothing to do: Recover marks all slots as free that no port uses.
        }

        ports.ToPrimary.Abandon();
        ports.ToSecondary.Abandon();
        ToPrimary.Home.Clear();
        ToSecondary.Home.Clear();
        pool.Recover(slot => ports.World.Keeps(slot) || IsLeaving(slot));

        bool IsLeaving(FrameRef slot)
        {
            int ways = (ports.ToPrimary.Keeps(slot) ? 1 : 0) + (ports.ToSecondary.Keeps(slot) ? 1 : 0);
            pool.Arena[slot].Awaited = (byte)ways;
            pool.Arena[slot].Marks = FrameMarks.None;
            return ways != 0;
        }
    }

    /// <summary>The duty that receives the frames of clients.</summary>
    public WorldCaptureDuty World { get; }

    /// <summary>The duty that sends them to the primary.</summary>
    public GuestEgressDuty ToPrimary { get; }

    /// <summary>The duty that sends them to the secondary.</summary>
    public GuestEgressDuty ToSecondary { get; }
}
