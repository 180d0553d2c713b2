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
