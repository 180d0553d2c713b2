// SPDX-License-Identifier: GPL-2.0-or-later

using System.Runtime.CompilerServices;
using ColoWire.Engine.Compare;
using ColoWire.Engine.Exits;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;

namespace ColoWire.Engine.Shards;

/// <summary>The two comparers of a shard, and the only place that chooses between them: TCP segments are compared as byte streams, all else as
/// datagrams.</summary>
internal sealed class FlowComparers
{
    private readonly TcpStreamComparer streams;
    private readonly DatagramComparer datagrams;
    private readonly RetransmitCache cache;

    public FlowComparers(
        EngineOptions options, FrameArena arena, ShardCounters counters, Disposition disposition, EpochStart epochStart, StepMeter steps)
    {
        cache = new RetransmitCache(options, arena, disposition, steps);
        streams = new TcpStreamComparer(options, arena, counters, cache, disposition, epochStart, steps);
        datagrams = new DatagramComparer(options, arena, counters, cache, disposition, steps);
    }

    /// <summary>Notes a predicted frame of the primary.</summary>
    /// <returns>False when it is not the one that was predicted; then nothing has changed.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryAccept(ref Flow flow, FrameView primary, bool isStream) => !isStream || TcpStreamComparer.TryAccept(ref flow, primary);

    /// <summary>Whether the oldest held frame of a predicted flow is a pure acknowledgment that may leave.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryReleaseAck(in Flow flow, FrameView primary) => streams.TryReleaseAck(in flow, primary);

    /// <summary>Takes a pure acknowledgment of the secondary, as <see cref="TcpStreamComparer.TryAcceptAck"/> says.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryAcceptAck(ref Flow flow, FrameView secondary, out bool advances) => streams.TryAcceptAck(ref flow, secondary, out advances);

    /// <summary>Compares a predicted frame of the secondary with the oldest held one. Nothing of the secondary's may wait.</summary>
    /// <returns>Whether both say the same, so that the primary's is verified; else nothing has changed.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryMatch(ref Flow flow, FrameView oldest, FrameView secondary, bool isStream) =>
        isStream ? streams.TryMatch(ref flow, oldest, secondary) : datagrams.TryMatch(oldest, secondary);

    /// <summary>Whether the oldest held frame of a predicted flow has to wait, so that there is nothing to compare.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool MustWait(in Flow flow, FrameView oldest, bool isStream) =>
        isStream ? TcpStreamComparer.MustWait(in flow, oldest) : datagrams.MustWait(in flow);

    /// <summary>Notes where a frame of the primary stands in its flow.</summary>
    /// <param name="flow">Its flow.</param>
    /// <param name="primary">The frame, not held yet.</param>
    /// <param name="isShared">Whether a checkpoint made it the secondary's, too.</param>
    public void AcceptPrimary(ref Flow flow, FrameRef primary, bool isShared)
    {
        if (flow.IsStream)
        {
            streams.AcceptPrimary(ref flow, primary, isShared);
        }
    }

    /// <summary>Whether a frame of the primary that was just held changes what can be said of its flow. Behind an older frame it has to wait in
    /// any case (R6), but a datagram of the secondary that waited for it waits no longer.</summary>
    public bool ChangesFlow(ref Flow flow, FrameRef primary) =>
        flow.Primary.Count == 1 || (!flow.IsStream && datagrams.AcceptPrimary(ref flow, primary));

    /// <summary>Takes a frame of the secondary in.</summary>
    /// <returns>Whether the oldest held frame of the primary is to be compared again.</returns>
    public bool AcceptSecondary(ref Flow flow, FrameRef secondary)
    {
        if (flow.IsStream)
        {
            return streams.AcceptSecondary(ref flow, secondary);
        }

        datagrams.AcceptSecondary(ref flow, secondary);
        return true;
    }

    /// <summary>Says what may happen to the oldest held frame of the primary.</summary>
    public Verdict Compare(ref Flow flow, FrameRef oldest) =>
        flow.IsStream ? streams.Compare(ref flow, oldest) : datagrams.Compare(ref flow, oldest);

    /// <summary>Says what becomes of the oldest held frame of the primary, which was suspect until its grace was over.</summary>
    public Verdict ResolveAfterGrace(ref Flow flow, FrameRef oldest, in Verdict suspect, long nowNs) => flow.IsStream
        ? streams.ResolveAfterGrace(ref flow, oldest, in suspect, nowNs)
        : datagrams.ResolveAfterGrace(ref flow, oldest, in suspect);

    /// <summary>Forgets a held frame of the primary that leaves, or is dropped.</summary>
    public void Forget(ref Flow flow, FrameRef primary)
    {
        if (!flow.IsStream)
        {
            datagrams.Forget(ref flow, primary);
        }
    }

    /// <summary>Takes a held frame of the secondary out of its flow; the caller owns it then.</summary>
    public void Remove(ref Flow flow, FrameRef secondary)
    {
        if (flow.IsStream)
        {
            streams.Remove(ref flow, secondary);
        }
        else
        {
            datagrams.Remove(ref flow, secondary);
        }
    }

    /// <summary>Returns a held frame of the secondary that needs no twin.</summary>
    /// <returns>False when it needs one.</returns>
    public bool TryReturnUnmatched(ref Flow flow, FrameRef secondary) =>
        flow.IsStream ? streams.TryDropUnseen(ref flow, secondary) : datagrams.TryDropRepeated(ref flow, secondary);

    /// <summary>Whether the secondary's oldest held datagram was overtaken by one that found its twin.</summary>
    public bool IsOvertaken(in Flow flow) => datagrams.IsOvertaken(in flow);

    /// <summary>Whether the secondary has opened, closed or reset a connection before an instant, and the primary has not.</summary>
    public bool HasControlSince(ref Flow flow, long sinceNs) =>
        flow.IsStream && streams.HasControlSince(ref flow, sinceNs);

    /// <summary>A checkpoint has made the secondary a copy of the primary.</summary>
    public static void Synchronise(ref Flow flow)
    {
        if (flow.IsStream)
        {
            TcpStreamComparer.Synchronise(ref flow);
        }
    }

    /// <summary>Frames have passed uncompared: what was verified before counts no longer.</summary>
    public static void ForgetVerified(ref Flow flow)
    {
        if (flow.IsStream)
        {
            TcpStreamComparer.Forget(ref flow);
        }
    }

    /// <summary>Gives up the order in which the secondary's segments were searched, before all of them are dropped.</summary>
    public static void ForgetOrder(ref Flow flow)
    {
        if (flow.IsStream)
        {
            TcpStreamComparer.ForgetOrder(ref flow);
        }
    }

    /// <summary>Returns the verified frames that are cached for retransmissions.</summary>
    public void ClearCache(ref Flow flow) => cache.Clear(ref flow);

    /// <summary>Returns those of them that came before an instant.</summary>
    public void ClearCache(ref Flow flow, long beforeNs) => cache.ClearBefore(ref flow, beforeNs);
}
