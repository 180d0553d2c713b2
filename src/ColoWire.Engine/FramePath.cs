// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Rings;

namespace ColoWire.Engine;

/// <summary>
/// One appliance without its threads: its pipelines and the checkpoint gate, all made at the start. Several can live in one process; nothing
/// is shared between them.
/// </summary>
/// <remarks>
/// A core runs a pipeline to completion and touches no other core's memory on the way of a frame. Cores share the
/// <see cref="GuestState"/>, which they read at each poll and which is written at checkpoints and when one of the two is lost.
/// </remarks>
public sealed class FramePath : IDisposable
{
    private readonly EngineOptions options;
    private readonly IReadOnlyList<PipelinePorts> ports;
    private readonly ICheckpointRequester requester;
    private readonly Quarantine quarantine;
    private readonly ShardRings[][] rings;
    private readonly Pipeline[] pipelines;

    /// <summary>Takes all memory and joins the duties.</summary>
    /// <param name="options">Validated options.</param>
    /// <param name="ports">Of each pipeline its ports and its arena, one pipeline or more. The path disposes the arenas.</param>
    /// <param name="requester">Who is asked for checkpoints.</param>
    public FramePath(EngineOptions options, IReadOnlyList<PipelinePorts> ports, ICheckpointRequester requester)
        : this(options, ports, requester, failed: null)
    {
    }

    /// <summary>Takes all memory and joins the duties of a path of one pipeline.</summary>
    /// <param name="options">Validated options.</param>
    /// <param name="primary">Where the primary's frames come in.</param>
    /// <param name="secondary">Where the secondary's frames come in.</param>
    /// <param name="output">Where the primary's frames leave.</param>
    /// <param name="requester">Who is asked for checkpoints.</param>
    public FramePath(
        EngineOptions options, ICapturePort primary, ICapturePort secondary, IInjectPort output, ICheckpointRequester requester)
        : this(options, [new PipelinePorts(MakeArena(options), primary, secondary, output)], requester)
    {
    }

    private FramePath(EngineOptions options, IReadOnlyList<PipelinePorts> ports, ICheckpointRequester requester, FramePath? failed)
    {
        ArgumentOutOfRangeException.ThrowIfZero(ports.Count);
        this.options = options;
        this.ports = ports;
        this.requester = requester;
        quarantine = failed?.quarantine ?? new Quarantine();
        EngineOptions ofPipeline = OfPipeline(options, ports.Count);
        rings = failed?.rings ?? new ShardRings[ports.Count][];
        List<SpscRing<CheckpointReport>> reports = [];
        for (int i = 0; i < rings.Length; i++)
        {
            rings[i] ??= Pipeline.MakeRings(ofPipeline, ports[i].Arena);
            reports.AddRange(Array.ConvertAll(rings[i], r => r.Reports));
        }

        // All queues of an interface have one link, and one program.
        Gate = new CheckpointGate(requester, ports[0].Primary, ports[0].Secondary, [.. reports], options, failed?.Gate);

        PipelinesShare shared = new(Guest, Guest.Stop, quarantine);
        pipelines = new Pipeline[ports.Count];
        List<Shard> shards = [];
        for (int i = 0; i < pipelines.Length; i++)
        {
            pipelines[i] = failed?.pipelines[i].Succeed(ofPipeline, shared) ?? new Pipeline(ofPipeline, ports[i], rings[i], shared, failed: null);
            shards.AddRange(pipelines[i].Shards);
        }

        Shards = shards;
    }

    /// <summary>Each takes frames from end to end by itself.</summary>
    public IReadOnlyList<Pipeline> Pipelines => pipelines;

    /// <summary>The shards of all pipelines.</summary>
    public IReadOnlyList<Shard> Shards { get; }

    /// <summary>Asks for checkpoints and hands out divergence reports, of all pipelines.</summary>
    public CheckpointGate Gate { get; }

    /// <summary>The state of the guest, as the gate publishes it: its epoch, who speaks for it, when its frames leave.</summary>
    public GuestState Guest => Gate.Guest;

    /// <summary>Whether, after <see cref="BeginStop"/>, every frame has left and every slot is home; any thread may ask.</summary>
    public bool IsDrained => Array.TrueForAll(pipelines, pipeline => pipeline.IsDrained);

    /// <summary>
    /// The earliest instant at which time alone changes something, the expired scan aside; <see cref="long.MaxValue"/> when there is
    /// none. For whoever replays: only the thread that polls may ask.
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

    /// <summary>The memory of a pipeline's frames, which ports may need before there is a path.</summary>
    public static FrameArena MakeArena(EngineOptions options) =>
        new(options.SlotsPerSide, options.LargeSlotsPerSide, options.AdviseMemory);

    /// <summary>Bytes that an instance with these options takes, by what they are for.</summary>
    /// <param name="options">Its options.</param>
    /// <param name="pipelines">How many pipelines it has.</param>
    public static IReadOnlyList<(string Name, long Bytes)> MemoryPlan(EngineOptions options, int pipelines = 1) =>
        Array.ConvertAll(Pipeline.MemoryPlan(OfPipeline(options, pipelines)), part => (part.Name, part.Bytes * pipelines));

    /// <summary>Runs every duty once, in the order of the way of a frame: one core, run to completion.</summary>
    /// <returns>How much was done.</returns>
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
    /// From now on nothing more is captured, and what is held is released unverified (R4). The duties must be polled on until
    /// <see cref="IsDrained"/>. Any thread may call it.
    /// </summary>
    public void BeginStop() => Guest.Stop.Raise();

    /// <summary>
    /// Fail-over: one of the two speaks for the guest from now on, for good. To the primary: what is held leaves, and all that comes. To
    /// the secondary: what is held is dropped and counted, and the secondary's stream goes on from where it is. Any thread may call it.
    /// </summary>
    public void FailOverTo(Side side) =>
        Gate.TakeOver(side == Side.Primary ? Protection.PrimaryAlone : Protection.SecondaryAlone);

    /// <summary>Asks for a checkpoint as a divergence does; where nobody makes any, nothing happens. Any thread may call it.</summary>
    public void RequestCheckpoint() => Gate.OrderCheckpoint();

    /// <summary>Lets out what is held, unverified, and has every flow compared afresh. Any thread may call it.</summary>
    public void Flush() => Gate.OrderFlush();

    /// <summary>Changes when frames of the primary leave. What is held leaves unverified; with a requester a checkpoint is asked for when the
    /// comparison begins to count. Any thread may call it.</summary>
    public void SetMode(CompareMode mode) => Gate.OrderMode(mode);

    /// <summary>Flows that are not compared any more, because each has made a duty fail; at most
    /// <see cref="EngineLimits.QuarantinedFlows"/>.</summary>
    public int QuarantinedFlows => quarantine.Count;

    /// <summary>Finds what made a duty fail, after all threads have ended.</summary>
    /// <returns>Most often one; none when the duty was at no frame.</returns>
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
    /// Makes the path that goes on where a duty of this one has failed: over the same ports, slots and rings, in a new epoch, for
    /// which a checkpoint is asked. It counts on from where this one was. The flows of the culprits leave unverified until the
    /// process ends, or until as many others as <see cref="EngineLimits.QuarantinedFlows"/> have followed. What was under way is
    /// not sent any more, but counted (<see cref="DropReason.PrimaryFailure"/>). No duty may run; this path is not to be used,
    /// nor disposed of, any more.
    /// </summary>
    /// <param name="culprits">What <see cref="FindCulprits"/> has found.</param>
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

    /// <summary>Gives the memory back. No duty may run any more; the ports belong to the caller.</summary>
    public void Dispose()
    {
        foreach (Pipeline pipeline in pipelines)
        {
            pipeline.Dispose();
        }
    }

    // Slots and shards are of each pipeline, flows of all together.
    private static EngineOptions OfPipeline(EngineOptions options, int pipelines) => options with { Flows = options.Flows / pipelines };
}
