// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using ColoWire.Engine.Capture;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Compare;
using ColoWire.Engine.Egress;
using ColoWire.Engine.Exits;
using ColoWire.Engine.Failures;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Fragments;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Rings;
using ColoWire.Engine.Shards;

namespace ColoWire.Engine.Pipelines;

/// <summary>The arena and the ports of one pipeline.</summary>
/// <param name="Arena">The arena of the frames; made before the ports, which may register it with the kernel.</param>
/// <param name="Primary">The port that receives the primary's frames.</param>
/// <param name="Secondary">The port that receives the secondary's frames.</param>
/// <param name="Output">The port that sends frames to the clients.</param>
/// <param name="Inbound">The ports for the frames of clients; null where none pass (<see cref="InboundMode.None"/>).</param>
public sealed record PipelinePorts(
    FrameArena Arena, ICapturePort Primary, ICapturePort Secondary, IInjectPort Output, InboundPorts? Inbound = null);

/// <summary>The ports of one pipeline for the frames of clients.</summary>
/// <param name="World">The port that receives the frames of clients.</param>
/// <param name="ToPrimary">The port that sends them to the primary.</param>
/// <param name="ToSecondary">The port that sends them to the secondary.</param>
public sealed record InboundPorts(ICapturePort World, IInjectPort ToPrimary, IInjectPort ToSecondary);

/// <summary>The objects that the pipelines of a path share.</summary>
/// <param name="Guest">The state of the guest, as the gate publishes it.</param>
/// <param name="Quarantine">The flows that are no longer compared.</param>
/// <param name="WorldAddresses">The MAC addresses that clients use.</param>
internal sealed record PipelinesShare(GuestState Guest, Quarantine Quarantine, WorldAddresses WorldAddresses);

/// <summary>
/// One complete path of frames: two capture duties, the shards, the egress duty and the rings between them, with its own slots. A
/// pipeline is itself a duty, for a core that runs it to completion. Pipelines share only the objects of
/// <see cref="PipelinesShare"/>.
/// </summary>
public sealed partial class Pipeline : IDuty, IDisposable
{
    private readonly Shard[] shards;
    private readonly ShardRings[] rings;
    private readonly PipelinePorts ports;

    /// <summary>Makes a pipeline.</summary>
    /// <param name="options">Validated options.</param>
    /// <param name="ports">The ports and the arena.</param>
    /// <param name="rings">The rings of the shards, without frames.</param>
    /// <param name="shared">The objects that all pipelines share.</param>
    /// <param name="failed">The failed pipeline that this one replaces, whose counters it keeps; null at the start.</param>
    internal Pipeline(EngineOptions options, PipelinePorts ports, ShardRings[] rings, PipelinesShare shared, Pipeline? failed)
    {
        (GuestState guest, Quarantine quarantine, WorldAddresses world) = shared;
        this.ports = ports;
        this.rings = rings;
        Arena = ports.Arena;
        PrimaryCapture = Capture(ports.Primary, Arena.Primary, Array.ConvertAll(rings, r => r.Primary), failed?.PrimaryCapture);
        SecondaryCapture = Capture(
            ports.Secondary, Arena.Secondary, Array.ConvertAll(rings, r => r.Secondary), failed?.SecondaryCapture);
        ShardSignals signals = new(PrimaryCapture.Pressure, SecondaryCapture.Pressure, options.Shards);
        shards = new Shard[rings.Length];
        for (int i = 0; i < shards.Length; i++)
        {
            GuestAddresses addresses = failed?.shards[i].Addresses ?? new GuestAddresses(options.GuestAddresses.Span, world);
            shards[i] = new Shard(options, Arena, rings[i], guest, signals, quarantine, addresses, failed?.shards[i]);
        }

        Egress = new EgressDuty(Arena, ports.Output, rings, guest, failed?.Egress);
        Inbound = ports.Inbound is null ? null : new InboundDuties(options, ports, rings, shared, shards, failed?.Inbound);

        // In lockstep mode egress returns the slots of the primary; in observe mode the shard does, because it may not have
        // compared the frame yet. Slots that never reach egress (of reassembled frames and of frames that a policy drops) are
        // returned by the shard in both modes.
        CaptureDuty Capture(ICapturePort port, SlotPool pool, SpscRing<FrameRef>[] toShards, CaptureDuty? failedCapture)
        {
            SpscRing<FrameRef>[] home = pool.Side == Side.Secondary
                ? [.. Array.ConvertAll(rings, r => r.SecondaryHome), .. Array.ConvertAll(rings, r => r.SecondaryInjectedHome)]
                : [.. Array.ConvertAll(rings, r => r.InjectedHome), .. Array.ConvertAll(rings, r => r.PrimaryHome)];
            return new CaptureDuty(port, ports.Output, pool, toShards, home, guest, options, quarantine, failedCapture);
        }
    }

    /// <summary>The arena of its frames.</summary>
    public FrameArena Arena { get; }

    /// <summary>The duty that receives the primary's frames.</summary>
    public CaptureDuty PrimaryCapture { get; }

    /// <summary>The duty that receives the secondary's frames.</summary>
    public CaptureDuty SecondaryCapture { get; }

    /// <summary>The shards, which compare the frames.</summary>
    public IReadOnlyList<Shard> Shards => shards;

    /// <summary>The duty that sends frames to the clients.</summary>
    public EgressDuty Egress { get; }

    /// <summary>The duties for the frames of clients; null where none pass.</summary>
    public InboundDuties? Inbound { get; }

    /// <summary>Whether the path stops, every frame has left and every slot is free; any thread may read it.</summary>
    public bool IsDrained =>
        PrimaryCapture.IsDrained && SecondaryCapture.IsDrained && (Inbound is null || Inbound.World.IsDrained);

    /// <summary>See <see cref="FramePath.NextDueNs"/>.</summary>
    internal long NextDueNs
    {
        get
        {
            long dueNs = long.MaxValue;
            foreach (Shard shard in shards)
            {
                dueNs = Math.Min(dueNs, shard.NextDueNs);
            }

            return dueNs;
        }
    }

    /// <summary>Polls every duty once, in the order in which a frame passes them.</summary>
    /// <inheritdoc/>
    public int Poll(long nowNs)
    {
        int work = PrimaryCapture.Poll(nowNs) + SecondaryCapture.Poll(nowNs) + (Inbound?.World.Poll(nowNs) ?? 0);
        foreach (Shard shard in shards)
        {
            work += shard.Poll(nowNs);
        }

        work += Egress.Poll(nowNs);
        return Inbound is null ? work : work + Inbound.ToPrimary.Poll(nowNs) + Inbound.ToSecondary.Poll(nowNs);
    }

    /// <summary>Frees the memory. No duty may be running; the ports belong to the caller.</summary>
    public void Dispose()
    {
        foreach (Shard shard in shards)
        {
            shard.Dispose();
        }

        Arena.Dispose();
    }

    /// <summary>
    /// Makes the rings of a pipeline's shards. They are made before the pipelines, because the gate reads the rings of all
    /// pipelines and each pipeline needs the state that the gate publishes.
    /// </summary>
    internal static ShardRings[] MakeRings(EngineOptions options, FrameArena arena)
    {
        ShardRings[] rings = new ShardRings[options.Shards];
        for (int i = 0; i < rings.Length; i++)
        {
            rings[i] = new ShardRings(arena.SlotsPerSide, options.Inbound == InboundMode.Mirror);
        }

        return rings;
    }

    /// <summary>The memory of a pipeline with given options in bytes, by purpose.</summary>
    internal static (string Name, long Bytes)[] MemoryPlan(EngineOptions options)
    {
        bool hasInbound = options.Inbound == InboundMode.Mirror;
        int sides = hasInbound ? FrameArena.AllSides : FrameArena.ReplicaSides;
        int slots = options.SlotsPerSide + options.LargeSlotsPerSide;
        return
        [
            ("frame arena", (long)FrameArena.ByteCount(options.SlotsPerSide, options.LargeSlotsPerSide, sides)),
            ("frame descriptors", (long)FrameArena.DescriptorByteCount(options.SlotsPerSide, options.LargeSlotsPerSide, sides)),
            ("flow tables", options.Shards * FlowTable.ByteCount(options.FlowsPerShard, hasInbound)),
            ("content indexes", options.Shards * DatagramComparer.ByteCount(options)),
            ("fragments", 2 * Reassembler.ByteCount),
            ("rings", options.Shards * ShardRings.ByteCount(slots, hasInbound)),
        ];
    }
}
