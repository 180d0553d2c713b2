// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Rings;

namespace ColoWire.Engine.Exits;

/// <summary>
/// The rings that join one shard to the rest. Each ring of frames has room for every slot of a side, so none can be full and no
/// frame ever waits to be handed on.
/// </summary>
internal sealed class ShardRings(int slotsPerSide)
{
    /// <summary>Primary capture → shard.</summary>
    public SpscRing<FrameRef> Primary { get; } = new(slotsPerSide);

    /// <summary>Secondary capture → shard.</summary>
    public SpscRing<FrameRef> Secondary { get; } = new(slotsPerSide);

    /// <summary>Shard → egress: what may go, in order; the primary's, and the secondary's after it took over.</summary>
    public SpscRing<FrameRef> Released { get; } = new(2 * slotsPerSide);

    /// <summary>Egress → primary capture: what has been injected.</summary>
    public SpscRing<FrameRef> InjectedHome { get; } = new(slotsPerSide);

    /// <summary>Egress → shard: what has been injected in observe mode, where the shard may still look at it.</summary>
    public SpscRing<FrameRef> Observed { get; } = new(slotsPerSide);

    /// <summary>Shard → primary capture: what is dropped or was made of fragments, and in observe mode what has been injected and judged.</summary>
    public SpscRing<FrameRef> PrimaryHome { get; } = new(slotsPerSide);

    /// <summary>Shard → secondary capture: what has been consumed or dropped.</summary>
    public SpscRing<FrameRef> SecondaryHome { get; } = new(slotsPerSide);

    /// <summary>Egress → secondary capture: what has been injected after the secondary took over.</summary>
    public SpscRing<FrameRef> SecondaryInjectedHome { get; } = new(slotsPerSide);

    /// <summary>Shard → gate.</summary>
    public SpscRing<CheckpointReport> Reports { get; } = new(EngineLimits.ReportRingEntries);

    /// <summary>Forgets all frames, for the path that goes on where one has failed; reports stay, for the gate to read. Called
    /// only while no duty runs.</summary>
    public void ClearFrames()
    {
        foreach (SpscRing<FrameRef> ring in (SpscRing<FrameRef>[])
            [Primary, Secondary, Released, InjectedHome, Observed, PrimaryHome, SecondaryHome, SecondaryInjectedHome])
        {
            ring.Clear();
        }
    }

    /// <summary>Bytes that the rings of one shard take.</summary>
    public static long ByteCount(int slotsPerSide) =>
        (7 * SpscRing<FrameRef>.ByteCount(slotsPerSide)) + SpscRing<FrameRef>.ByteCount(2 * slotsPerSide) + SpscRing<CheckpointReport>.ByteCount(EngineLimits.ReportRingEntries);
}
