// SPDX-License-Identifier: GPL-2.0-or-later

using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Flows;

/// <summary>A connection as a guest sends it, with what both sides have said and not yet agreed on.</summary>
/// <remarks>Its frames are TCP segments (<see cref="Tcp"/>) or datagrams (<see cref="Datagrams"/>) for its whole life (<see cref="IsStream"/>), so
/// that the two share their bytes.</remarks>
[StructLayout(LayoutKind.Explicit, Size = 6 * EngineLimits.CacheLineBytes)]
internal struct Flow
{
    /// <summary>The number that stands for "no flow".</summary>
    public const uint None = uint.MaxValue;

    /// <summary>What <see cref="IsPredicted"/> is asked with by a shard that predicts nothing; the number of no flush.</summary>
    public const uint PredictsNothing = uint.MaxValue;

    private const uint NotPredicted = 0;

    // First cache line: what finds it.
    [FieldOffset(0)]
    public FlowKey Key;

    [FieldOffset(48)]
    public uint Hash;

    /// <summary>Next in the bucket of the <see cref="FlowTable"/>, or on its free list.</summary>
    [FieldOffset(52)]
    public uint NextInBucket;

    /// <summary>When its place in the order of idleness was last refreshed; the least of all where it was set aside since.</summary>
    [FieldOffset(56)]
    public long SeenNs;

    // Second cache line: what every frame needs.

    /// <summary>The primary's frames that wait, in the order in which it sent them.</summary>
    [FieldOffset(64)]
    public FrameFifo Primary;

    [FieldOffset(76)]
    private uint prediction;

    /// <summary>The secondary's frames that wait: a stream's by sequence number, datagrams in the order in which it sent them.</summary>
    [FieldOffset(80)]
    public FrameQueue Secondary;

    /// <summary>What is known of both streams; where <see cref="IsStream"/>.</summary>
    [FieldOffset(92)]
    public TcpState Tcp;

    /// <summary>What is known of both sides' datagrams; where not <see cref="IsStream"/>.</summary>
    [FieldOffset(92)]
    public DatagramState Datagrams;

    // Fifth cache line: what few frames need, though those that are cached need the front of it.

    /// <summary>Frames of the secondary that were verified and are kept for a while (<c>RetransmitCache</c>).</summary>
    [FieldOffset(304)]
    public FrameFifo Cached;

    [FieldOffset(316)]
    private uint flush;

    [FieldOffset(320)]
    private FlowState state;

    [FieldOffset(321)]
    private PolicyAction action;

    [FieldOffset(322)]
    private bool isSuspect;

    /// <summary>Why its frames are not compared, where <see cref="Action"/> says so.</summary>
    [FieldOffset(323)]
    public NotComparedReason NotComparedReason;

    /// <summary>The index over <see cref="Cached"/>.</summary>
    [FieldOffset(324)]
    public RetransmitIndexState RetransmitIndex;

    /// <summary>When the checkpoints that it has caused are forgotten, on the engine's clock: each adds its part of
    /// <see cref="EngineLimits.CheckpointShareNs"/>.</summary>
    [FieldOffset(344)]
    public long ShareUsedUntilNs;

    [FieldOffset(352)]
    public FlowSuspect Suspect;

    /// <summary>Its neighbours in the order of idleness of the <see cref="FlowTable"/>.</summary>
    [FieldOffset(376)]
    public uint Newer;

    [FieldOffset(380)]
    public uint Older;

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

    /// <summary>Whether it holds a frame of either side.</summary>
    public readonly bool HoldsFrames => !Primary.IsEmpty || !Secondary.IsEmpty;

    /// <summary>Whether nothing waits in it, so that it can be forgotten without a loss.</summary>
    public readonly bool IsIdle => !HoldsFrames && !(IsStream && Tcp.IsControlPending);

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

/// <summary>What a flow remembers of both sides' datagrams.</summary>
[StructLayout(LayoutKind.Sequential, Pack = sizeof(uint))]
internal struct DatagramState
{
    /// <summary>How many of the primary's that wait have found their twins, and wait for older ones only.</summary>
    public int Agreed;

    /// <summary>The secondary's that have a lower <see cref="HeldDatagram.Order"/> were overtaken by one that has found its twin.</summary>
    public uint OvertakenBefore;

    /// <summary>The oldest of the secondary's that the content index does not have yet.</summary>
    public FrameRef Unindexed;

    /// <summary>The newest of the primary's that wait and have been put into the content index; all older ones have been, too.</summary>
    public FrameRef LastIndexed;

    /// <summary>Of those that have found their twins and wait, the one whose twin the secondary said last.</summary>
    public FrameRef LastAgreed;

    /// <summary>When the secondary said that twin; the least number when there is none.</summary>
    public long LastAgreedNs;

    public static DatagramState Fresh =>
        new() { Unindexed = FrameRef.None, LastIndexed = FrameRef.None, LastAgreed = FrameRef.None, LastAgreedNs = long.MinValue };
}

/// <summary>The index over the cached segments of a flow (<c>RetransmitIndex</c>).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct RetransmitIndexState
{
    /// <summary>The root of the index; none where there is no index.</summary>
    public FrameRef Root;

    /// <summary>The greatest length of a segment in the index, in bytes.</summary>
    public uint LongestBytes;

    /// <summary>The index is given up at the first frame of the secondary with a greater <see cref="Frame.Number"/>.</summary>
    public uint Until;

    /// <summary>Every segment in the index begins nearer to this sequence number than
    /// <see cref="EngineLimits.RetransmitIndexReachBytes"/>.</summary>
    public uint Centre;

    /// <summary>Whether there is an index.</summary>
    public readonly bool Exists => !Root.IsNone;

    public static RetransmitIndexState None => new() { Root = FrameRef.None };
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
