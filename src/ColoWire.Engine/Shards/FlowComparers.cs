// SPDX-License-Identifier: GPL-2.0-or-later

using System.Runtime.CompilerServices;
using ColoWire.Engine.Compare;
using ColoWire.Engine.Exits;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;

namespace ColoWire.Engine.Shards;

/// <summary>
/// Holds the two comparers of a shard and is the only type that chooses between them: TCP segments are compared as byte streams,
/// all other frames as datagrams.
/// </summary>
internal sealed class FlowComparers
{
    private readonly TcpStreamComparer streams;
    private readonly DatagramComparer datagrams;
    private readonly RetransmitCache cache;

    public FlowComparers(
        EngineOptions options, FrameArena arena, FlowTable flows, ShardCounters counters, Disposition disposition,
        EpochStart epochStart, StepMeter steps)
    {
        cache = new RetransmitCache(options, arena, disposition, steps);
        streams = new TcpStreamComparer(options, arena, flows, counters, cache, disposition, epochStart, steps);
        datagrams = new DatagramComparer(options, arena, counters, cache, disposition, steps);
    }

    /// <summary>Accepts a predicted frame of the primary.</summary>
    /// <returns>False when the frame does not match the prediction; nothing has changed then.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryAccept(ref Flow flow, FrameView primary, bool isStream) =>
        !isStream || TcpStreamComparer.TryAccept(ref flow, primary);

    /// <summary>Whether the oldest held frame of a predicted flow is a pure acknowledgment that may be sent.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryReleaseAck(in Flow flow, FrameView primary) => streams.TryReleaseAck(in flow, primary);

    /// <summary>Accepts a pure acknowledgment of the secondary (<see cref="TcpStreamComparer.TryAcceptAck"/>).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryAcceptAck(ref Flow flow, FrameView secondary, out bool advances) =>
        streams.TryAcceptAck(ref flow, secondary, out advances);

    /// <summary>
    /// Compares a predicted frame of the secondary with the oldest held frame of the primary. The flow must hold no frame of the
    /// secondary.
    /// </summary>
    /// <returns>Whether both frames are equal, so that the primary's is verified; otherwise nothing has changed.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryMatch(ref Flow flow, FrameView oldest, FrameView secondary, bool isStream) =>
        isStream ? streams.TryMatch(ref flow, oldest, secondary) : datagrams.TryMatch(oldest, secondary);

    /// <summary>Whether the oldest held frame of a predicted flow must wait, so that no comparison is needed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool MustWait(in Flow flow, FrameView oldest, bool isStream) =>
        isStream ? TcpStreamComparer.MustWait(in flow, oldest) : datagrams.MustWait(in flow);

    /// <summary>Records the position of a primary frame in its flow.</summary>
    /// <param name="flow">Its flow.</param>
    /// <param name="primary">The frame, which is not held yet.</param>
    /// <param name="isShared">Whether a later checkpoint has copied the primary's output to the secondary.</param>
    public void AcceptPrimary(ref Flow flow, FrameRef primary, bool isShared)
    {
        if (flow.IsStream)
        {
            streams.AcceptPrimary(ref flow, primary, isShared);
        }
    }

    /// <summary>
    /// Whether a newly held frame of the primary requires a comparison. Behind an older frame it must wait in any case (R6), but
    /// it may be the twin of a waiting datagram of the secondary.
    /// </summary>
    public bool ChangesFlow(ref Flow flow, FrameRef primary) =>
        flow.Primary.Count == 1 || (!flow.IsStream && datagrams.AcceptPrimary(ref flow, primary));

    /// <summary>Accepts a frame of the secondary.</summary>
    /// <returns>Whether the oldest held frame of the primary must be compared again.</returns>
    public bool AcceptSecondary(ref Flow flow, FrameRef secondary)
    {
        if (flow.IsStream)
        {
            return streams.AcceptSecondary(ref flow, secondary);
        }

        datagrams.AcceptSecondary(ref flow, secondary);
        return true;
    }

    /// <summary>Compares the oldest held frame of the primary and returns the verdict.</summary>
    public Verdict Compare(ref Flow flow, FrameRef oldest) =>
        flow.IsStream ? streams.Compare(ref flow, oldest) : datagrams.Compare(ref flow, oldest);

    /// <summary>Returns the verdict on the oldest held frame of the primary after its grace as a suspect has ended.</summary>
    public Verdict ResolveAfterGrace(ref Flow flow, FrameRef oldest, in Verdict suspect, long nowNs) => flow.IsStream
        ? streams.ResolveAfterGrace(ref flow, oldest, in suspect, nowNs)
        : datagrams.ResolveAfterGrace(ref flow, oldest, in suspect);

    /// <summary>Removes a held frame of the primary that is sent or dropped from the comparer's index.</summary>
    public void Forget(ref Flow flow, FrameRef primary)
    {
        if (!flow.IsStream)
        {
            datagrams.Forget(ref flow, primary);
        }
    }

    /// <summary>Removes a held frame of the secondary from its flow; the caller then owns the frame.</summary>
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

    /// <summary>Returns the slot of a held frame of the secondary that needs no twin.</summary>
    /// <returns>False when the frame needs a twin.</returns>
    public bool TryReturnUnmatched(ref Flow flow, FrameRef secondary) =>
        flow.IsStream ? streams.TryDropUnseen(ref flow, secondary) : datagrams.TryDropRepeated(ref flow, secondary);

    /// <summary>Whether the secondary's oldest held datagram was overtaken by a datagram whose twin was found.</summary>
    public bool IsOvertaken(in Flow flow) => datagrams.IsOvertaken(in flow);

    /// <summary>
    /// Whether the secondary opened, closed or reset a connection before a given time, and the primary has not.
    /// </summary>
    public bool HasControlSince(ref Flow flow, long sinceNs) =>
        flow.IsStream && streams.HasControlSince(ref flow, sinceNs);

    /// <summary>Resets the comparison of a flow after a checkpoint, which has made the secondary a copy of the primary.</summary>
    /// <param name="flow">The flow.</param>
    /// <param name="keepsNumbers">Whether the checkpoint is still to come, because the secondary is lost until then: the
    /// translation stays the same.</param>
    public static void Synchronise(ref Flow flow, bool keepsNumbers)
    {
        if (flow.IsStream)
        {
            TcpStreamComparer.Synchronise(ref flow, keepsNumbers);
        }
    }

    /// <summary>Discards the record of verified bytes, because frames have bypassed the comparison.</summary>
    /// <param name="flow">The flow.</param>
    /// <param name="keepsNumbers">Whether the flow is the same connection as before, with the same translation.</param>
    public static void ForgetVerified(ref Flow flow, bool keepsNumbers = false)
    {
        if (flow.IsStream)
        {
            TcpStreamComparer.Forget(ref flow, keepsNumbers);
        }
    }

    /// <summary>Discards the search order of the secondary's segments, before all of them are dropped.</summary>
    public static void ForgetOrder(ref Flow flow)
    {
        if (flow.IsStream)
        {
            TcpStreamComparer.ForgetOrder(ref flow);
        }
    }

    /// <summary>Returns the slots of all verified frames that are cached for retransmissions.</summary>
    public void ClearCache(ref Flow flow) => cache.Clear(ref flow);

    /// <summary>Returns the slots of the cached frames that arrived before a given time.</summary>
    public void ClearCache(ref Flow flow, long beforeNs) => cache.ClearBefore(ref flow, beforeNs);
}
