// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine.Frames;

namespace ColoWire.Fuzz.Cases;

/// <summary>The kind of a step.</summary>
internal enum StepKind : byte
{
    /// <summary>A frame arrives at a port.</summary>
    Frame,

    /// <summary>The whole path is polled once.</summary>
    Poll,

    /// <summary>One duty is polled; the value is the duty's number.</summary>
    PollDuty,

    /// <summary>The clock advances; the value is nanoseconds.</summary>
    Advance,

    /// <summary>An event outside the engine happens; the value is an <see cref="Event"/>.</summary>
    Event,

    /// <summary>From now on the inject port accepts at most a number of frames per call; the value is that number.</summary>
    OutputLimit,
}

/// <summary>Events caused by hypervisors, operators and cables.</summary>
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
/// <param name="Kind">What the step does.</param>
/// <param name="Side">Frames: the side that sent the frame.</param>
/// <param name="Pipeline">Frames: the pipeline whose port receives the frame.</param>
/// <param name="Offset">Frames: offset of the first byte in <see cref="FuzzCase.Bytes"/>.</param>
/// <param name="Length">Frames: length in bytes.</param>
/// <param name="Value">All other kinds: see <see cref="StepKind"/>.</param>
internal readonly record struct Step(StepKind Kind, Side Side, byte Pipeline, int Offset, int Length, long Value)
{
    public static Step Frame(Side side, int pipeline, int offset, int length) => new(StepKind.Frame, side, (byte)pipeline, offset, length, 0);

    public static Step Of(StepKind kind, long value = 0) => new(kind, Side.Primary, 0, 0, 0, value);

    public static Step Of(Event happening) => Of(StepKind.Event, (long)happening);
}
