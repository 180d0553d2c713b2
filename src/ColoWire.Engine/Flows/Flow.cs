// SPDX-License-Identifier: GPL-2.0-or-later

using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ColoWire.Engine.Compare;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Flows;

/// <summary>A connection as a guest sends it, with what both sides have said and not yet agreed on.</summary>
[StructLayout(LayoutKind.Sequential, Size = 6 * EngineLimits.CacheLineBytes)]
internal struct Flow
{
    /// <summary>The number that stands for "no flow".</summary>
    public const uint None = uint.MaxValue;

    /// <summary>What <see cref="IsPredicted"/> is asked with by a shard that predicts nothing; the number of no flush.</summary>
    public const uint PredictsNothing = uint.MaxValue;

    private const uint NotPredicted = 0;

    // First cache line: what finds it.
    public FlowKey Key;
    public uint Hash;

    /// <summary>Next in the bucket of the <see cref="FlowTable"/>, or on its free list.</summary>
    public uint NextInBucket;

    /// <summary>When its place in the order of idleness was last refreshed; the least of all where it was set aside since.</summary>
    public long SeenNs;

    // Second cache line: what every frame needs.

    /// <summary>The primary's frames that wait, in the order in which it sent them.</summary>
    public FrameFifo Primary;

    private uint prediction;

    /// <summary>The secondary's frames that wait: a stream's by sequence number, datagrams in the order in which it sent them.</summary>
    public FrameQueue Secondary;

    public TcpState Tcp;

    // What few frames need, though those that are kept need the front of it.

    /// <summary>Frames of the secondary that were verified and are kept for a while (<see cref="RetransmitCache"/>).</summary>
    public FrameFifo Cached;

    private uint flush;
    private FlowState state;
    private PolicyAction action;
    private bool isSuspect;

    public NotComparedReason NotComparedReason;

    /// <summary>Datagrams: the oldest of the secondary's that the <see cref="ContentIndex"/> does not have yet.</summary>
    public FrameRef Unindexed;

    /// <summary>Datagrams: the newest of the primary's that wait and have been put into the <see cref="ContentIndex"/>; all older ones
    /// have been too.</summary>
    public FrameRef LastIndexed;

    /// <summary>Datagrams: of those that have found their twins and wait, the one whose twin the secondary said last.</summary>
    public FrameRef LastAgreed;

    /// <summary>Datagrams: when the secondary said that twin; the least number when there is none.</summary>
    public long LastAgreedNs;

    public FlowSuspect Suspect;

    /// <summary>When the checkpoints that it has caused are forgotten, on the engine's clock: each adds its part of
    /// <see cref="EngineLimits.CheckpointShareNs"/>.</summary>
    public long ShareUsedUntilNs;

    /// <summary>Its neighbours in the order of idleness of the <see cref="FlowTable"/>.</summary>
    public uint Newer;
    public uint Older;

    /// <summary>Streams: the root of the <see cref="RetransmitIndex"/> over the kept frames, or none where there is no index. Shares
    /// its place with a field of datagrams, as the next three do.</summary>
    [UnscopedRef]
    public ref FrameRef RetransmitIndexRoot => ref Unindexed;

    /// <summary>Streams: the greatest length of a frame in the <see cref="RetransmitIndex"/>, in bytes.</summary>
    public uint RetransmitLongestBytes
    {
        readonly get => LastAgreed.Slot;
        set => LastAgreed = new FrameRef(value);
    }

    /// <summary>Streams: the <see cref="RetransmitIndex"/> is given up at the first frame of the secondary with a greater
    /// <see cref="Frame.Number"/>.</summary>
    public uint RetransmitIndexUntil
    {
        readonly get => LastIndexed.Slot;
        set => LastIndexed = new FrameRef(value);
    }

    /// <summary>Streams: every frame in the <see cref="RetransmitIndex"/> begins nearer to this sequence number than
    /// <see cref="EngineLimits.RetransmitIndexReachBytes"/>.</summary>
    public uint RetransmitIndexCentre
    {
        readonly get => (uint)LastAgreedNs;
        set => LastAgreedNs = value;
    }

    /// <summary>Whether a <see cref="RetransmitIndex"/> stands over the kept frames.</summary>
    public readonly bool HasRetransmitIndex => !Unindexed.IsNone && IsStream;

    /// <summary>Datagrams: how many of the primary's frames that wait have found their twins, and wait for older ones only.
    /// Shares its place with a field of streams.</summary>
    public int Agreed
    {
        readonly get => (int)Tcp.PrimaryNext;
        set => Tcp.PrimaryNext = (uint)value;
    }

    /// <summary>Datagrams: the secondary's that have a lower <see cref="Frame.Order"/> were overtaken by one that has found its twin. In the
    /// place of what only streams need.</summary>
    public uint OvertakenBefore
    {
        readonly get => Tcp.PrimaryFirst;
        set => Tcp.PrimaryFirst = value;
    }

    public FlowState State
    {
        readonly get => state;
        set
        {
            state = value;
            RenewPrediction();
        }
    }

    public PolicyAction Action
    {
        readonly get => action;
        set
        {
            action = value;
            RenewPrediction();
        }
    }

    /// <summary>Whether it stands in the <see cref="SuspectQueue"/>.</summary>
    public bool IsSuspect
    {
        readonly get => isSuspect;
        set
        {
            isSuspect = value;
            RenewPrediction();
        }
    }

    /// <summary>The number of the last flush that has reached it.</summary>
    public uint Flush
    {
        readonly get => flush;
        set
        {
            flush = value;
            RenewPrediction();
        }
    }

    /// <summary>Whether it is a flow, and not a record that is free.</summary>
    public readonly bool InUse => State != FlowState.Free;

    /// <summary>Whether the next frame of each side is expected to go on where the last one ended (header prediction, as Linux's
    /// tcp_fast_path_on): one comparison, which every frame makes.</summary>
    /// <param name="lastFlush">The number of the last flush, which every flow has to have followed, or <see cref="PredictsNothing"/>.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly bool IsPredicted(uint lastFlush)
    {
        Debug.Assert(prediction == Predict(), "the prediction was renewed after the last change of the flow");
        return prediction == lastFlush;
    }

    /// <summary>Whether its frames are TCP segments.</summary>
    public readonly bool IsStream => Key.Protocol == Protocol.Tcp && !Key.IsFragment;

    /// <summary>Whether nothing waits in it, so that it can be forgotten without a loss.</summary>
    public readonly bool IsIdle => Primary.IsEmpty && Secondary.IsEmpty && !Tcp.IsControlPending;

    /// <summary>To be called when anything has changed that <see cref="Predict"/> asks for; the setters of this type do it
    /// themselves.</summary>
    public void RenewPrediction() => prediction = Predict();

    /// <summary>All conditions of <see cref="IsPredicted"/>.</summary>
    private readonly uint Predict()
    {
        bool isPredicted = state == FlowState.Comparing && action == PolicyAction.Compare && !isSuspect && !Key.IsFragment
            && (!IsStream || Tcp.IsSettled);
        return isPredicted ? flush : NotPredicted;
    }
}

internal enum FlowState : byte
{
    /// <summary>No flow: the record is free.</summary>
    Free,

    /// <summary>Both sides are compared.</summary>
    Comparing,

    /// <summary>They differ: the primary's frames are held until a checkpoint, the secondary's are of no use.</summary>
    Diverged,

    /// <summary>They differ and no checkpoint will come: the primary's frames leave unverified.</summary>
    Unverified,

    /// <summary>They differ once more than the flow's share of checkpoints allows: the primary's frames leave unverified until the next
    /// checkpoint, which the flow asks for when its time is over.</summary>
    OverShare,
}
