// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Exits;
using ColoWire.Engine.Failures;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Rings;
using ColoWire.Engine.Shards;

namespace ColoWire.Engine.Pipelines;

/// <summary>
/// One appliance without its threads: its pipelines and the checkpoint gate, all allocated at the start. Several paths can exist
/// in one process; they share nothing.
/// </summary>
/// <remarks>
/// A core runs a pipeline to completion and, while it processes frames, accesses no other core's memory except the
/// <see cref="GuestState"/>, which cores read at each poll and which is written at checkpoints and when a replica is lost.
/// </remarks>
public sealed class FramePath : IDisposable
{
    private readonly EngineOptions options;
    private readonly IReadOnlyList<PipelinePorts> ports;
    private readonly ICheckpointRequester requester;
    private readonly Quarantine quarantine;
    private readonly WorldAddresses worldAddresses;
    private readonly ShardRings[][] rings;
    private readonly Pipeline[] pipelines;

    /// <summary>Allocates all memory and connects the duties.</summary>
    /// <param name="options">Validated options.</param>
    /// <param name="ports">The ports and the arena of each pipeline, at least one. The path disposes the arenas.</param>
    /// <param name="requester">The object that requests checkpoints from the hypervisor.</param>
    public FramePath(EngineOptions options, IReadOnlyList<PipelinePorts> ports, ICheckpointRequester requester)
        : this(options, ports, requester, failed: null)
    {
    }

    /// <summary>Allocates all memory and connects the duties of a path of one pipeline.</summary>
    /// <param name="options">Validated options.</param>
    /// <param name="primary">The port that receives the primary's frames.</param>
    /// <param name="secondary">The port that receives the secondary's frames.</param>
    /// <param name="output">The port that sends frames to the clients.</param>
    /// <param name="requester">The object that requests checkpoints from the hypervisor.</param>
    public FramePath(
        EngineOptions options, ICapturePort primary, ICapturePort secondary, IInjectPort output, ICheckpointRequester requester)
        : this(options, [new PipelinePorts(MakeArena(options), primary, secondary, output)], requester)
    {
    }

    private FramePath(
        EngineOptions options, IReadOnlyList<PipelinePorts> ports, ICheckpointRequester requester, FramePath? failed)
    {
        ArgumentOutOfRangeException.ThrowIfZero(ports.Count);
        this.options = options;
        this.ports = ports;
        this.requester = requester;
        quarantine = failed?.quarantine ?? new Quarantine();
        worldAddresses = failed?.worldAddresses ?? new WorldAddresses();
        EngineOptions ofPipeline = OfPipeline(options, ports.Count);
        rings = failed?.rings ?? new ShardRings[ports.Count][];
        List<SpscRing<CheckpointReport>> reports = [];
        for (int i = 0; i < rings.Length; i++)
        {
            rings[i] ??= Pipeline.MakeRings(ofPipeline, ports[i].Arena);
            reports.AddRange(Array.ConvertAll(rings[i], r => r.Reports));
        }

        // All queues of an interface share its link and its XDP program, so the ports of the first pipeline suffice.
        Gate = new CheckpointGate(requester, ports[0].Primary, ports[0].Secondary, [.. reports], options, failed?.Gate);

        PipelinesShare shared = new(Guest, quarantine, worldAddresses);
        pipelines = new Pipeline[ports.Count];
        List<Shard> shards = [];
        for (int i = 0; i < pipelines.Length; i++)
        {
            pipelines[i] = failed?.pipelines[i].Succeed(ofPipeline, shared)
                ?? new Pipeline(ofPipeline, ports[i], rings[i], shared, failed: null);
            shards.AddRange(pipelines[i].Shards);
        }

        Shards = shards;
    }

    /// <summary>The pipelines, each of which processes its frames independently.</summary>
    public IReadOnlyList<Pipeline> Pipelines => pipelines;

    /// <summary>The shards of all pipelines.</summary>
    public IReadOnlyList<Shard> Shards { get; }

    /// <summary>The gate that requests checkpoints and collects the divergence reports of all pipelines.</summary>
    public CheckpointGate Gate { get; }

    /// <summary>The state of the guest, as the gate publishes it.</summary>
    public GuestState Guest => Gate.Guest;

    /// <summary>
    /// Whether, after <see cref="BeginStop"/>, every frame has left and every slot is free; any thread may read it.
    /// </summary>
    public bool IsDrained => Array.TrueForAll(pipelines, pipeline => pipeline.IsDrained);

    /// <summary>
    /// The earliest time in nanoseconds at which a grace ends, the expired scan not included; <see cref="long.MaxValue"/> when
    /// there is none. For replays; only the polling thread may read it.
    /// </summary>
    public long NextDueNs
    {
        get
        {
            long dueNs = long.MaxValue;
            foreach (Pipeline pipeline in pipelines)
            {
                dueNs = Math.Min(dueNs, pipeline.NextDueNs);
            }

            return dueNs;
        }
    }

    /// <summary>Allocates the arena of a pipeline, which ports may need before the path is made.</summary>
    public static FrameArena MakeArena(EngineOptions options) =>
        new(
            options.SlotsPerSide, options.LargeSlotsPerSide, options.AdviseMemory,
            options.Inbound == InboundMode.Mirror ? FrameArena.AllSides : FrameArena.ReplicaSides);

    /// <summary>The memory of a path with given options in bytes, by purpose.</summary>
    /// <param name="options">The options of the path.</param>
    /// <param name="pipelines">The number of pipelines.</param>
    public static IReadOnlyList<(string Name, long Bytes)> MemoryPlan(EngineOptions options, int pipelines = 1) =>
        Array.ConvertAll(Pipeline.MemoryPlan(OfPipeline(options, pipelines)), part => (part.Name, part.Bytes * pipelines));

    /// <summary>
    /// Polls every duty once, in the order in which a frame passes them, for an appliance that runs on one core.
    /// </summary>
    /// <returns>The amount of work; 0 when there was none.</returns>
    public int Poll(long nowNs)
    {
        int work = 0;
        foreach (Pipeline pipeline in pipelines)
        {
            work += pipeline.Poll(nowNs);
        }

        return work + Gate.Poll(nowNs);
    }

    /// <summary>
    /// Begins the stop: nothing more is captured, and held frames are released unverified (R4). The caller must poll the duties
    /// until <see cref="IsDrained"/>. Any thread may call it.
    /// </summary>
    public void BeginStop() => Guest.Stop.Raise();

    /// <summary>
    /// Fails over permanently to one replica. To the primary: held frames and all further frames are sent without comparison. To
    /// the secondary: the primary's held frames are dropped and counted, and the secondary's frames are sent from the current
    /// position on. Any thread may call it.
    /// </summary>
    public void FailOverTo(Side side) =>
        Gate.TakeOver(side == Side.Primary ? Protection.PrimaryAlone : Protection.SecondaryAlone);

    /// <summary>
    /// Requests a checkpoint as a divergence does; without a requester nothing happens. Any thread may call it.
    /// </summary>
    public void RequestCheckpoint() => Gate.OrderCheckpoint();

    /// <summary>Releases all held frames unverified and restarts the comparison of every flow. Any thread may call it.</summary>
    public void Flush() => Gate.OrderFlush();

    /// <summary>
    /// Changes the mode. Held frames are released unverified; with a requester, a change to lockstep requests a checkpoint. Any
    /// thread may call it.
    /// </summary>
    public void SetMode(CompareMode mode) => Gate.OrderMode(mode);

    /// <summary>
    /// The number of flows that are no longer compared because each has made a duty fail; at most
    /// <see cref="EngineLimits.QuarantinedFlows"/>.
    /// </summary>
    public int QuarantinedFlows => quarantine.Count;

    /// <summary>Reads the guest's MAC addresses: those that are configured, or those that the shards have learned so far. Any
    /// thread may call it.</summary>
    /// <param name="room">Receives the addresses, from index 0, each once; the first byte of an address is the highest of its
    /// six.</param>
    /// <returns>How many there are, at most as many as there is room for.</returns>
    public int ReadGuestAddresses(Span<ulong> room)
    {
        int count = 0;
        for (int i = 0; i < Shards.Count; i++)
        {
            count = Shards[i].Addresses.AddTo(room, count);
        }

        return count;
    }

    /// <summary>Finds the frames that failed duties were processing, after all threads have ended.</summary>
    /// <returns>Usually one culprit; none when the duty was processing no frame.</returns>
    public IReadOnlyList<Culprit> FindCulprits()
    {
        List<Culprit> culprits = [];
        foreach (Pipeline pipeline in pipelines)
        {
            pipeline.FindCulprits(culprits);
        }

        return culprits;
    }

    /// <summary>
    /// Makes the path that replaces this one after a duty has failed: over the same ports, slots and rings, in a new epoch, for
    /// which a checkpoint is requested. It keeps this path's counters. The culprits' flows are sent unverified until the process
    /// ends, or until <see cref="EngineLimits.QuarantinedFlows"/> others have followed. Frames inside this path are not sent, but
    /// counted (<see cref="DropReason.PrimaryFailure"/>). No duty may be running; this path must not be used or disposed
    /// afterwards.
    /// </summary>
    /// <param name="culprits">The result of <see cref="FindCulprits"/>.</param>
    public FramePath Succeed(IReadOnlyList<Culprit> culprits)
    {
        foreach (Culprit culprit in culprits)
        {
            if (culprit.Flow.IpVersion != 0)
            {
                quarantine.Add(culprit.Flow);
            }
        }

        return new FramePath(options, ports, requester, failed: this);
    }

    /// <summary>Frees the memory. No duty may be running; the ports belong to the caller.</summary>
    public void Dispose()
    {
        foreach (Pipeline pipeline in pipelines)
        {
            pipeline.Dispose();
        }
    }

    // Slots and shards are options per pipeline; flows are an option for all pipelines together.
    private static EngineOptions OfPipeline(EngineOptions options, int pipelines) => options with
    {
        Flows = options.Flows / pipelines,
    };
}
