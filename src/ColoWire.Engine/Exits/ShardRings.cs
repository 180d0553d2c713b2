// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Rings;

namespace ColoWire.Engine.Exits;

/// <summary>
/// The rings between one shard and the other duties. Each ring of frames has room for every slot of a side, so no ring can be
/// full.
/// </summary>
/// <param name="slotsPerSide">The number of slots of a side.</param>
/// <param name="hasInbound">Whether frames of clients pass.</param>
internal sealed class ShardRings(int slotsPerSide, bool hasInbound)
{
    /// <summary>The rings for the frames of clients; null where none pass.</summary>
    public InboundRings? Inbound { get; } = hasInbound ? new InboundRings(slotsPerSide) : null;

    /// <summary>Primary capture → shard.</summary>
    public SpscRing<FrameRef> Primary { get; } = new(slotsPerSide);

    /// <summary>Secondary capture → shard.</summary>
    public SpscRing<FrameRef> Secondary { get; } = new(slotsPerSide);

    /// <summary>Shard → egress: frames to send, in order; the primary's, and after a fail-over the secondary's.</summary>
    public SpscRing<FrameRef> Released { get; } = new(2 * slotsPerSide);

    /// <summary>Egress → primary capture: slots of injected frames.</summary>
    public SpscRing<FrameRef> InjectedHome { get; } = new(slotsPerSide);

    /// <summary>
    /// Egress → shard: frames that were sent ahead and injected in observe mode, which the shard may not have compared yet.
    /// </summary>
    public SpscRing<FrameRef> Observed { get; } = new(slotsPerSide);

    /// <summary>
    /// Shard → primary capture: slots of dropped and of reassembled frames, and in observe mode of frames that were injected and
    /// compared.
    /// </summary>
    public SpscRing<FrameRef> PrimaryHome { get; } = new(slotsPerSide);

    /// <summary>Shard → secondary capture: slots of compared or dropped frames.</summary>
    public SpscRing<FrameRef> SecondaryHome { get; } = new(slotsPerSide);

    /// <summary>Egress → secondary capture: slots of frames that were injected after a fail-over to the secondary.</summary>
    public SpscRing<FrameRef> SecondaryInjectedHome { get; } = new(slotsPerSide);

    /// <summary>Shard → gate: divergences, and flows that are to be compared again.</summary>
    public SpscRing<CheckpointReport> Reports { get; } = new(EngineLimits.ReportRingEntries);

    /// <summary>
    /// Removes all frames, for the path that replaces a failed one. Reports remain for the gate to read. Called only while no
    /// duty runs.
    /// </summary>
    public void ClearFrames()
    {
        foreach (SpscRing<FrameRef> ring in (SpscRing<FrameRef>[])
            [Primary, Secondary, Released, InjectedHome, Observed, PrimaryHome, SecondaryHome, SecondaryInjectedHome,
                .. Inbound?.All ?? []])
        {
            ring.Clear();
        }
    }

    /// <summary>The size of the rings of one shard, in bytes.</summary>
    public static long ByteCount(int slotsPerSide, bool hasInbound) =>
        (hasInbound ? InboundRings.ByteCount(slotsPerSide) : 0)
            + (7 * SpscRing<FrameRef>.ByteCount(slotsPerSide)) + SpscRing<FrameRef>.ByteCount(2 * slotsPerSide)
            + SpscRing<CheckpointReport>.ByteCount(EngineLimits.ReportRingEntries);
}
