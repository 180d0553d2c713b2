// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine.Frames;

namespace ColoWire.Engine.Compare;

/// <summary>What a comparer says of the oldest held frame of a flow.</summary>
public enum VerdictKind : byte
{
    /// <summary>It waits for the secondary.</summary>
    Hold,

    /// <summary>The secondary has said something else so far: a divergence, unless its twin comes within <c>grace_ms</c>.</summary>
    Suspect,

    /// <summary>The secondary has said the same: it may go.</summary>
    Release,

    /// <summary>A policy lets it go.</summary>
    ReleaseUnverified,

    /// <summary>The secondary has said something else.</summary>
    Divergence,
}

/// <summary>What a comparer says of the oldest held frame of a flow.</summary>
/// <param name="Kind">What is to be done with it.</param>
/// <param name="Reason">In what they differ; for a frame that waits, what it will be called when its time runs out.</param>
/// <param name="Offset">Where they differ, or what is missing begins, in bytes from the first compared byte of the primary's frame.</param>
/// <param name="Secondary">The secondary's frame that differs, or none.</param>
/// <param name="SecondaryOffset">Where the difference stands among the compared bytes of the secondary's frame.</param>
public readonly record struct Verdict(
    VerdictKind Kind, DivergenceReason Reason, int Offset, FrameRef Secondary, int SecondaryOffset)
{
    /// <summary>Which field differs, when <see cref="Reason"/> is <see cref="DivergenceReason.Header"/>.</summary>
    public ToleratedField Field { get; init; }

    /// <summary>It may go.</summary>
    public static Verdict Release => Of(VerdictKind.Release);

    /// <summary>A policy lets it go.</summary>
    public static Verdict ReleaseUnverified => Of(VerdictKind.ReleaseUnverified);

    /// <summary>It waits; should its time run out, this will have been the reason.</summary>
    public static Verdict Hold(DivergenceReason reason, int offset = 0) => Of(VerdictKind.Hold, reason, offset);

    /// <summary>Something stands against it, but no frame of the secondary can be shown.</summary>
    public static Verdict Suspect(DivergenceReason reason, int offset = 0) => Of(VerdictKind.Suspect, reason, offset);

    /// <summary>A divergence in which no frame of the secondary can be shown.</summary>
    public static Verdict Diverged(DivergenceReason reason, int offset = 0) => Of(VerdictKind.Divergence, reason, offset);

    /// <summary>A field that <c>strict</c> names differs from the twin's.</summary>
    internal static Verdict StrictField(ToleratedField field, FrameRef secondary) =>
        new(VerdictKind.Divergence, DivergenceReason.Header, 0, secondary, 0) { Field = field };

    private static Verdict Of(VerdictKind kind, DivergenceReason reason = default, int offset = 0) =>
        new(kind, reason, offset, FrameRef.None, 0);
}
