// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using ColoWire.Engine.Compare;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Fragments;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Rings;

namespace ColoWire.Engine;

/// <summary>
/// One appliance without its threads: the arena, the duties on the way of a frame and the rings between them, all made at the start.
/// Several can live in one process; nothing is shared between them.
/// </summary>
public sealed class FramePath : IDisposable
{
    private readonly StopSignal stop = new();
    private readonly Shard[] shards;

    /// <summary>Takes all memory and joins the duties.</summary>
    /// <param name="options">Validated options.</param>
    /// <param name="primary">Where the primary's frames come in.</param>
    /// <param name="secondary">Where the secondary's frames come in.</param>
    /// <param name="output">Where the primary's frames leave.</param>
    /// <param name="requester">Who is asked for checkpoints.</param>
    public FramePath(
        EngineOptions options, ICapturePort primary, ICapturePort secondary, IInjectPort output, ICheckpointRequester requester)
    {
        Arena = new FrameArena(options.SlotsPerSide, options.LargeSlotsPerSide, options.AdviseMemory);
        int slots = Arena.SlotsPerSide;
        ShardRings[] rings = new ShardRings[options.Shards];
        for (int i = 0; i < rings.Length; i++)
        {
            rings[i] = new ShardRings(slots);
        }

        Gate = new CheckpointGate(requester, secondary, Array.ConvertAll(rings, r => r.Reports), options.CheckpointRetryMs);
        PrimaryCapture = Capture(primary, Arena.Primary, Array.ConvertAll(rings, r => r.Primary));
        SecondaryCapture = Capture(secondary, Arena.Secondary, Array.ConvertAll(rings, r => r.Secondary));
        ShardSignals signals = new(stop, PrimaryCapture.Pressure, SecondaryCapture.Pressure, options.Shards);
        shards = Array.ConvertAll(rings, r => new Shard(options, Arena, r, Gate, signals));
        Egress = new EgressDuty(Arena, output, rings, options.Mode);

        // In lockstep egress sends a primary's slot home; in observe mode the shard does, because it may still look at it. What never goes
        // to egress, the slot in which fragments were put together and what a policy drops, the shard sends home in either mode.
        CaptureDuty Capture(ICapturePort port, SlotPool pool, SpscRing<FrameRef>[] toShards)
        {
            SpscRing<FrameRef>[] home = (pool.Side, options.Mode) switch
            {
                (Side.Secondary, _) =>
                    [.. Array.ConvertAll(rings, r => r.SecondaryHome), .. Array.ConvertAll(rings, r => r.SecondaryInjectedHome)],
                (_, CompareMode.Observe) => Array.ConvertAll(rings, r => r.JudgedHome),
                _ => [.. Array.ConvertAll(rings, r => r.InjectedHome), .. Array.ConvertAll(rings, r => r.JudgedHome)],
            };
            return new CaptureDuty(port, pool, toShards, home, Gate, options, stop);
        }
    }

    /// <summary>The memory of all frames.</summary>
    public FrameArena Arena { get; }

    /// <summary>Takes in the primary's frames.</summary>
    public CaptureDuty PrimaryCapture { get; }

    /// <summary>Takes in the secondary's frames.</summary>
    public CaptureDuty SecondaryCapture { get; }

    /// <summary>Compare.</summary>
    public IReadOnlyList<Shard> Shards => shards;

    /// <summary>Sends the primary's frames.</summary>
    public EgressDuty Egress { get; }

    /// <summary>Asks for checkpoints and hands out divergence reports.</summary>
    public CheckpointGate Gate { get; }

    /// <summary>Whether, after <see cref="BeginStop"/>, every frame has left and every slot is home; any thread may ask.</summary>
    public bool IsDrained => PrimaryCapture.IsDrained && SecondaryCapture.IsDrained;

    /// <summary>
    /// The earliest instant at which time alone changes something, the expired scan aside; <see cref="long.MaxValue"/> when there is
    /// none. For whoever replays: only the thread that polls may ask.
    /// </summary>
    public long NextDueNs
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

    /// <summary>Bytes that an instance with these options takes, by what they are for.</summary>
    public static IReadOnlyList<(string Name, long Bytes)> MemoryPlan(EngineOptions options) =>
    [
        ("frame arena", (long)FrameArena.ByteCount(options.SlotsPerSide, options.LargeSlotsPerSide)),
        ("frame descriptors", (long)FrameArena.DescriptorByteCount(options.SlotsPerSide, options.LargeSlotsPerSide)),
        ("flow tables", options.Shards * FlowTable.ByteCount(FlowsPerShard(options))),
        ("content indexes", options.Shards * ContentIndex.ByteCount(options.SlotsPerSide + options.LargeSlotsPerSide)),
        ("fragments", 2 * Reassembler.ByteCount),
        ("rings", options.Shards * ShardRings.ByteCount(options.SlotsPerSide + options.LargeSlotsPerSide)),
    ];

    /// <summary>Runs every duty once, in the order of the way of a frame: one core, run to completion.</summary>
    /// <returns>How much was done.</returns>
    public int Poll(long nowNs)
    {
        int work = PrimaryCapture.Poll(nowNs) + SecondaryCapture.Poll(nowNs);
        foreach (Shard shard in shards)
        {
            work += shard.Poll(nowNs);
        }

        return work + Egress.Poll(nowNs) + Gate.Poll(nowNs);
    }

    /// <summary>
    /// From now on nothing more is captured, and what is held is released unverified (R4). The duties must be polled on until
    /// <see cref="IsDrained"/>. Any thread may call it.
    /// </summary>
    public void BeginStop() => stop.Raise();

    /// <summary>
    /// Fail-over: one of the two speaks for the guest from now on, for good. To the primary: what is held leaves, and all that comes. To
    /// the secondary: what is held is dropped and counted, and the secondary's stream goes on from where it is. Any thread may call it.
    /// </summary>
    public void FailOverTo(Side side) =>
        Gate.TakeOver(side == Side.Primary ? Protection.PrimaryAlone : Protection.SecondaryAlone);

    /// <summary>Gives the memory back. No duty may run any more; the ports belong to the caller.</summary>
    public void Dispose()
    {
        foreach (Shard shard in shards)
        {
            shard.Dispose();
        }

        Arena.Dispose();
    }

    internal static int FlowsPerShard(EngineOptions options) => Math.Max(1, options.Flows / options.Shards);
}
