// SPDX-License-Identifier: GPL-2.0-or-later

using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Flows;

/// <summary>The state of one connection, as the guest sends it: the frames of both sides that are held or cached, and what the
/// comparer knows of them.</summary>
/// <remarks>A flow consists of TCP segments (<see cref="Tcp"/>) or of datagrams (<see cref="Datagrams"/>) for its whole life
/// (<see cref="IsStream"/>), so that the two states share their memory.</remarks>
[StructLayout(LayoutKind.Explicit, Size = 6 * EngineLimits.CacheLineBytes)]
internal struct Flow
{
    /// <summary>The index that denotes no flow.</summary>
    public const uint None = uint.MaxValue;

    /// <summary>The argument of <see cref="IsPredicted"/> in a shard that predicts nothing; no flush has this number.</summary>
    public const uint PredictsNothing = uint.MaxValue;

    private const uint NotPredicted = 0;

    // First cache line: what a look-up reads.
    [FieldOffset(0)]
    public FlowKey Key;

    [FieldOffset(48)]
    public uint Hash;

    /// <summary>Next in the bucket of the <see cref="FlowTable"/>, or on its free list.</summary>
    [FieldOffset(52)]
    public uint NextInBucket;

    /// <summary>When the flow's place in the order of idleness was last refreshed, in nanoseconds of the engine's clock; earlier
    /// than any time when the flow was set aside since (<see cref="FlowTable.SetAside"/>).</summary>
    [FieldOffset(56)]
    public long SeenNs;

    // Second cache line: what every frame reads.

    /// <summary>The held frames of the primary, in the order in which they were sent.</summary>
    [FieldOffset(64)]
    public FrameFifo Primary;

    [FieldOffset(76)]
    private uint prediction;

    /// <summary>The held frames of the secondary: TCP segments by sequence number, datagrams in the order in which they
    /// arrived.</summary>
    [FieldOffset(80)]
    public FrameQueue Secondary;

    /// <summary>The state of both TCP streams, when <see cref="IsStream"/> is true.</summary>
    [FieldOffset(92)]
    public TcpState Tcp;

    /// <summary>The state of both sides' datagrams, when <see cref="IsStream"/> is false.</summary>
    [FieldOffset(92)]
    public DatagramState Datagrams;

    // End of the fifth cache line: what few frames read.
    [FieldOffset(308)]
    private uint flush;

    [FieldOffset(312)]
    private FlowState state;

    [FieldOffset(313)]
    private PolicyAction action;

    [FieldOffset(314)]
    private bool isSuspect;

    /// <summary>Why the flow's frames are not compared, when <see cref="Action"/> is not to compare them.</summary>
    [FieldOffset(315)]
    public NotComparedReason NotComparedReason;

    /// <summary>The flow's neighbours in the order of idleness of the <see cref="FlowTable"/>.</summary>
    [FieldOffset(316)]
    public uint Newer;

    // Sixth cache line: the first two fields are what a frame reads that is cached, the others few frames read.

    /// <summary>Verified frames of the secondary that are cached (<c>RetransmitCache</c>).</summary>
    [FieldOffset(320)]
    public FrameFifo Cached;

    /// <summary>The index over <see cref="Cached"/>.</summary>
    [FieldOffset(332)]
    public RetransmitIndexState RetransmitIndex;

    [FieldOffset(348)]
    public uint Older;

    /// <summary>When all checkpoints that the flow has caused are forgotten, in nanoseconds of the engine's clock: each
    /// checkpoint adds its part of <see cref="EngineLimits.CheckpointShareNs"/>.</summary>
    [FieldOffset(352)]
    public long ShareUsedUntilNs;

    [FieldOffset(360)]
    public FlowSuspect Suspect;

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

    /// <summary>Whether the flow is in the <see cref="SuspectQueue"/>.</summary>
    public bool IsSuspect
    {
        readonly get => isSuspect;
        set
        {
            isSuspect = value;
            RenewPrediction();
        }
    }

    /// <summary>The number of the last flush that the flow has followed.</summary>
    public uint Flush
    {
        readonly get => flush;
        set
        {
            flush = value;
            RenewPrediction();
        }
    }

    /// <summary>Whether a flow uses this record.</summary>
    public readonly bool InUse => State != FlowState.Free;

    /// <summary>Whether the next frame of each side is expected to continue where the last one ended (header prediction, as in
    /// Linux's tcp_fast_path_on). Every frame costs this one comparison.</summary>
    /// <param name="lastFlush">The number of the last flush, which every flow must have followed, or
    /// <see cref="PredictsNothing"/>.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly bool IsPredicted(uint lastFlush)
    {
        Debug.Assert(prediction == Predict(), "the prediction was renewed after the last change of the flow");
        return prediction == lastFlush;
    }

    /// <summary>Whether the flow's frames are TCP segments.</summary>
    public readonly bool IsStream => Key.Protocol == Protocol.Tcp && !Key.IsFragment;

    /// <summary>Whether the flow holds a frame of either side.</summary>
    public readonly bool HoldsFrames => !Primary.IsEmpty || !Secondary.IsEmpty;

    /// <summary>Whether the flow holds no frame and waits for no SYN, FIN or RST, so that it can be removed without a
    /// loss.</summary>
    public readonly bool IsIdle => !HoldsFrames && !(IsStream && Tcp.IsControlPending);

    /// <summary>Whether the two replicas use different numbers on a connection that is not closed.</summary>
    public readonly bool HasTranslation =>
        IsStream && Tcp.Shift != 0 && !Tcp.Has(TcpFlags.FinMatched | TcpFlags.RstMatched) && state != FlowState.ClientReset;

    /// <summary>Computes the prediction again. Must be called after a change of anything that <see cref="Predict"/> reads; the
    /// setters of this type call it themselves.</summary>
    public void RenewPrediction() => prediction = Predict();

    /// <summary>Evaluates all conditions of <see cref="IsPredicted"/>.</summary>
    private readonly uint Predict()
    {
        bool isPredicted = state == FlowState.Comparing && action == PolicyAction.Compare && !isSuspect && !Key.IsFragment
            && (!IsStream || Tcp.IsSettled);
        return isPredicted ? flush : NotPredicted;
    }
}

/// <summary>The state of both sides' datagrams in one flow.</summary>
[StructLayout(LayoutKind.Sequential, Pack = sizeof(uint))]
internal struct DatagramState
{
    /// <summary>The number of the primary's held datagrams that have found their twins, and are held only behind older ones
    /// (R6).</summary>
    public int Agreed;

    /// <summary>The secondary's datagrams with a lower <see cref="HeldDatagram.Order"/> were overtaken by one that has found its
    /// twin.</summary>
    public uint OvertakenBefore;

    /// <summary>The oldest held datagram of the secondary that is not in the content index yet.</summary>
    public FrameRef Unindexed;

    /// <summary>The newest held datagram of the primary that was added to the content index; all older ones were added,
    /// too.</summary>
    public FrameRef LastIndexed;

    /// <summary>Of the primary's held datagrams that have found their twins, the one whose twin arrived last.</summary>
    public FrameRef LastAgreed;

    /// <summary>When that twin arrived, in nanoseconds of the engine's clock; <see cref="long.MinValue"/> when there is
    /// none.</summary>
    public long LastAgreedNs;

    public static DatagramState Fresh =>
        new()
        {
            Unindexed = FrameRef.None,
            LastIndexed = FrameRef.None,
            LastAgreed = FrameRef.None,
            LastAgreedNs = long.MinValue,
        };
}

/// <summary>The index over the cached segments of a flow (<c>RetransmitIndex</c>).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct RetransmitIndexState
{
    /// <summary>The root of the index; none when there is no index.</summary>
    public FrameRef Root;

    /// <summary>The greatest length of a segment in the index, in bytes.</summary>
    public uint LongestBytes;

    /// <summary>The index is discarded at the first cached frame with a greater <see cref="Frame.Number"/>.</summary>
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
    /// <summary>No flow uses the record.</summary>
    Free,

    /// <summary>Both sides are compared.</summary>
    Comparing,

    /// <summary>The replicas differ: the primary's frames are held until a checkpoint has finished, the secondary's are
    /// dropped.</summary>
    Diverged,

    /// <summary>The replicas differ, and no checkpoint will be made: the primary's frames are released unverified.</summary>
    Unverified,

    /// <summary>The replicas have differed once more than the flow's share of checkpoints allows (<c>checkpoint_share</c>): the
    /// primary's frames are released unverified until the next checkpoint, which the flow itself requests when its time has
    /// expired.</summary>
    OverShare,

    /// <summary>The client has reset the connection, so that nothing that either replica still sends on it is compared (R13): the
    /// primary's frames are released, the secondary's are dropped, until a new connection opens.</summary>
    ClientReset,

    /// <summary>The translation of the connection is not known, so that the secondary does not receive what clients send on it
    /// (R17): the primary's frames are released, the secondary's are dropped, until a checkpoint has finished or a new connection
    /// opens.</summary>
    Untranslated,
}
