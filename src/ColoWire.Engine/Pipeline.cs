// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Compare;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Fragments;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Rings;

namespace ColoWire.Engine;

/// <summary>The memory and the ports of one pipeline.</summary>
/// <param name="Arena">Where its frames lie; made before the ports, which may register it with the kernel.</param>
/// <param name="Primary">Where the primary's frames come in.</param>
/// <param name="Secondary">Where the secondary's frames come in.</param>
/// <param name="Output">Where the primary's frames leave.</param>
public sealed record PipelinePorts(FrameArena Arena, ICapturePort Primary, ICapturePort Secondary, IInjectPort Output);

/// <summary>What the pipelines of a path share.</summary>
/// <param name="Guest">The state of the guest, as its gate publishes it.</param>
/// <param name="Stop">Says that the path stops.</param>
/// <param name="Quarantine">The flows that are not compared any more.</param>
internal sealed record PipelinesShare(GuestState Guest, StopSignal Stop, Quarantine Quarantine);

/// <summary>
/// The way of a frame from end to end: the two captures, the shards, the egress and the rings between them, over slots of its own. It
/// is one duty too, for a core that runs it to completion. Pipelines share nothing but the <see cref="GuestState"/>.
/// </summary>
public sealed partial class Pipeline : IDuty, IDisposable
{
    private readonly Shard[] shards;
    private readonly ShardRings[] rings;
    private readonly PipelinePorts ports;

    /// <summary>Makes a pipeline.</summary>
    /// <param name="options">Validated options.</param>
    /// <param name="ports">Its ports and its memory.</param>
    /// <param name="rings">Those of its shards, without frames.</param>
    /// <param name="shared">What all pipelines share.</param>
    /// <param name="failed">The pipeline in whose place it goes on, counting from where that was; null at the start.</param>
    internal Pipeline(EngineOptions options, PipelinePorts ports, ShardRings[] rings, PipelinesShare shared, Pipeline? failed)
    {
        (GuestState guest, StopSignal stop, Quarantine quarantine) = shared;
        this.ports = ports;
        this.rings = rings;
        Arena = ports.Arena;
        PrimaryCapture = Capture(ports.Primary, Arena.Primary, Array.ConvertAll(rings, r => r.Primary), failed?.PrimaryCapture);
        SecondaryCapture = Capture(ports.Secondary, Arena.Secondary, Array.ConvertAll(rings, r => r.Secondary), failed?.SecondaryCapture);
        ShardSignals signals = new(stop, PrimaryCapture.Pressure, SecondaryCapture.Pressure, options.Shards);
        shards = new Shard[rings.Length];
        for (int i = 0; i < shards.Length; i++)
        {
            shards[i] = new Shard(options, Arena, rings[i], guest, signals, quarantine, failed?.shards[i]);
        }

        Egress = new EgressDuty(Arena, ports.Output, rings, guest, failed?.Egress);

        // In lockstep egress sends a primary's slot home; in observe mode the shard does, because it may still look at it. What never goes
        // to egress, the slot in which fragments were put together and what a policy drops, the shard sends home in either mode.
        CaptureDuty Capture(ICapturePort port, SlotPool pool, SpscRing<FrameRef>[] toShards, CaptureDuty? failedCapture)
        {
            SpscRing<FrameRef>[] home = pool.Side == Side.Secondary
                ? [.. Array.ConvertAll(rings, r => r.SecondaryHome), .. Array.ConvertAll(rings, r => r.SecondaryInjectedHome)]
                : [.. Array.ConvertAll(rings, r => r.InjectedHome), .. Array.ConvertAll(rings, r => r.PrimaryHome)];
            return new CaptureDuty(port, ports.Output, pool, toShards, home, guest, options, stop, quarantine, failedCapture);
        }
    }

    /// <summary>The memory of its frames.</summary>
    public FrameArena Arena { get; }

    /// <summary>Takes in the primary's frames.</summary>
    public CaptureDuty PrimaryCapture { get; }

    /// <summary>Takes in the secondary's frames.</summary>
    public CaptureDuty SecondaryCapture { get; }

    /// <summary>Compare.</summary>
    public IReadOnlyList<Shard> Shards => shards;

    /// <summary>Sends the primary's frames.</summary>
    public EgressDuty Egress { get; }

    /// <summary>Whether the path stops, every frame has left and every slot is home; any thread may ask.</summary>
    public bool IsDrained => PrimaryCapture.IsDrained && SecondaryCapture.IsDrained;

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

    /// <summary>Runs every duty once, in the order of the way of a frame.</summary>
    /// <inheritdoc/>
    public int Poll(long nowNs)
    {
        int work = PrimaryCapture.Poll(nowNs) + SecondaryCapture.Poll(nowNs);
        foreach (Shard shard in shards)
        {
            work += shard.Poll(nowNs);
        }

        return work + Egress.Poll(nowNs);
    }

    /// <summary>Gives the memory back. No duty may run any more; the ports belong to the caller.</summary>
    public void Dispose()
    {
        foreach (Shard shard in shards)
        {
            shard.Dispose();
        }

        Arena.Dispose();
    }

    /// <summary>The rings of its shards: they are made first, because the gate reads from all pipelines', and each pipeline reads the gate's state.</summary>
    internal static ShardRings[] MakeRings(EngineOptions options, FrameArena arena)
    {
        ShardRings[] rings = new ShardRings[options.Shards];
        for (int i = 0; i < rings.Length; i++)
        {
            rings[i] = new ShardRings(arena.SlotsPerSide);
        }

        return rings;
    }

    /// <summary>Bytes that a pipeline with these options takes, by what they are for.</summary>
    internal static (string Name, long Bytes)[] MemoryPlan(EngineOptions options) =>
    [
        ("frame arena", (long)FrameArena.ByteCount(options.SlotsPerSide, options.LargeSlotsPerSide)),
        ("frame descriptors", (long)FrameArena.DescriptorByteCount(options.SlotsPerSide, options.LargeSlotsPerSide)),
        ("flow tables", options.Shards * FlowTable.ByteCount(FlowsPerShard(options))),
        ("content indexes", options.Shards * DatagramComparer.ByteCount(options)),
        ("fragments", 2 * Reassembler.ByteCount),
        ("rings", options.Shards * ShardRings.ByteCount(options.SlotsPerSide + options.LargeSlotsPerSide)),
    ];

    internal static int FlowsPerShard(EngineOptions options) => Math.Max(1, options.Flows / options.Shards);
}
