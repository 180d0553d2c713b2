// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine.Frames;

namespace ColoWire.Engine.Compare;

/// <summary>What happens to the oldest held frame of a flow.</summary>
public enum VerdictKind : byte
{
    /// <summary>The frame stays held until the secondary has sent the same.</summary>
    Hold,

    /// <summary>The secondary has sent something else so far: a divergence, unless the twin of the frame arrives within
    /// <c>grace_ms</c>.</summary>
    Suspect,

    /// <summary>The secondary has sent the same: the frame is released.</summary>
    Release,

    /// <summary>The frame has no twin and is released by a policy (<c>rst</c>, <c>dup</c>).</summary>
    ReleaseUnverified,

    /// <summary>The secondary has sent something else.</summary>
    Divergence,
}

/// <summary>In what the two replicas differ.</summary>
public enum DivergenceReason : byte
{
    /// <summary>A byte of the payload, or the length of a datagram.</summary>
    Payload,

    /// <summary>The place in the stream: the secondary's bytes begin elsewhere.</summary>
    Position,

    /// <summary>SYN, FIN or RST.</summary>
    Control,

    /// <summary>The primary acknowledges what the secondary never did.</summary>
    Ack,

    /// <summary>No partner within <c>compare_timeout</c>, or a datagram that others have overtaken for longer than <c>grace_ms</c>.</summary>
    Timeout,

    /// <summary>A bound was reached: frames of a flow, slots or flows.</summary>
    Overflow,

    /// <summary>The primary sends bytes again that were verified, and they have changed.</summary>
    Retransmit,

    /// <summary>A soft field that <c>strict</c> promotes.</summary>
    Header,

    /// <summary>Fragments that do not make a datagram: some are missing, or overlap.</summary>
    Fragment,

    /// <summary>The secondary's port has no link, or has one again, or the hypervisor says that there is no secondary.</summary>
    SecondaryLink,

    /// <summary>Frames of the primary went past the comparison, while nobody was there to take them.</summary>
    Absence,

    /// <summary>Nothing differs: the operator has ordered a checkpoint.</summary>
    Order,

    /// <summary>Both replicas were stopped for a checkpoint, and it did not come to its end.</summary>
    BrokenCheckpoint,

    /// <summary>Nothing differs: a flow that was left unverified, because it had used up its share of checkpoints, is to be compared again.
    /// </summary>
    ComparedAgain,
}

/// <summary>A comparer's decision on the oldest held frame of a flow.</summary>
/// <param name="Kind">What happens to the frame.</param>
/// <param name="Reason">In what the replicas differ; of a frame that stays held, the reason that is reported when its time
/// expires.</param>
/// <param name="Offset">Where the difference, or what is missing, begins, in bytes from the first compared byte of the primary's
/// frame.</param>
/// <param name="Secondary">The secondary's frame that differs, or none.</param>
/// <param name="SecondaryOffset">Where the difference begins, in bytes from the first compared byte of the secondary's
/// frame.</param>
public readonly record struct Verdict(
    VerdictKind Kind, DivergenceReason Reason, int Offset, FrameRef Secondary, int SecondaryOffset)
{
    /// <summary>The field that differs, when <see cref="Reason"/> is <see cref="DivergenceReason.Header"/>.</summary>
    public ToleratedField Field { get; init; }

    /// <summary>The frame is released.</summary>
    public static Verdict Release => Of(VerdictKind.Release);

    /// <summary>The frame has no twin and is released by a policy.</summary>
    public static Verdict ReleaseUnverified => Of(VerdictKind.ReleaseUnverified);

    /// <summary>The frame stays held; the reason is reported when its time expires.</summary>
    public static Verdict Hold(DivergenceReason reason, int offset = 0) => Of(VerdictKind.Hold, reason, offset);

    /// <summary>The frame is suspect, and there is no frame of the secondary to report.</summary>
    public static Verdict Suspect(DivergenceReason reason, int offset = 0) => Of(VerdictKind.Suspect, reason, offset);

    /// <summary>The replicas differ, and there is no frame of the secondary to report.</summary>
    public static Verdict Diverged(DivergenceReason reason, int offset = 0) => Of(VerdictKind.Divergence, reason, offset);

    /// <summary>The frame differs from its twin in a field that <c>strict</c> names.</summary>
    internal static Verdict StrictField(ToleratedField field, FrameRef secondary) =>
        new(VerdictKind.Divergence, DivergenceReason.Header, 0, secondary, 0) { Field = field };

    private static Verdict Of(VerdictKind kind, DivergenceReason reason = default, int offset = 0) =>
        new(kind, reason, offset, FrameRef.None, 0);
}
