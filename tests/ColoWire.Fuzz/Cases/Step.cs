// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine.Frames;

namespace ColoWire.Fuzz.Cases;

/// <summary>What happens next in a case.</summary>
internal enum StepKind : byte
{
    /// <summary>A frame arrives at a port.</summary>
    Frame,

    /// <summary>The whole path is polled once.</summary>
    Poll,

    /// <summary>One duty is polled; the value is its number.</summary>
    PollDuty,

    /// <summary>Time passes; the value is nanoseconds.</summary>
    Advance,

    /// <summary>Somebody outside does something; the value is an <see cref="Event"/>.</summary>
    Event,

    /// <summary>The way out takes at most so many frames per call from now on; the value is that number.</summary>
    OutputLimit,
}

/// <summary>What hypervisors, operators and cables do.</summary>
internal enum Event : byte
{
    CheckpointCompleted,
    CheckpointBegan,
    CheckpointFailed,
    SecondaryLost,
    RequesterReadiness,
    SecondaryLink,
    PrimaryLink,
    OutputLink,
    Absence,
    OrderCheckpoint,
    OrderFlush,
    OrderObserve,
    OrderLockstep,
    FailOverToPrimary,
    FailOverToSecondary,
}

/// <summary>One step of a case.</summary>
/// <param name="Kind">What happens.</param>
/// <param name="Side">Frames: whose.</param>
/// <param name="Pipeline">Frames: at which pipeline's port.</param>
/// <param name="Offset">Frames: where the bytes begin in <see cref="FuzzCase.Bytes"/>.</param>
/// <param name="Length">Frames: how many bytes.</param>
/// <param name="Value">All else: see <see cref="StepKind"/>.</param>
internal readonly record struct Step(StepKind Kind, Side Side, byte Pipeline, int Offset, int Length, long Value)
{
    public static Step Frame(Side side, int pipeline, int offset, int length) => new(StepKind.Frame, side, (byte)pipeline, offset, length, 0);

    public static Step Of(StepKind kind, long value = 0) => new(kind, Side.Primary, 0, 0, 0, value);

    public static Step Of(Event happening) => Of(StepKind.Event, (long)happening);
}
