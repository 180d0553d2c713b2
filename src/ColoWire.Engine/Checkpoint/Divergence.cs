// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using ColoWire.Engine.Frames;

namespace ColoWire.Engine.Checkpoint;

/// <summary>In what the replicas differ, with enough of both frames to show it after they are gone.</summary>
public struct Divergence
{
    /// <summary>The kind of difference.</summary>
    public DivergenceReason Reason;

    /// <summary>Which field differs, when <see cref="Reason"/> is <see cref="DivergenceReason.Header"/>.</summary>
    public ToleratedField Field;

    /// <summary>Where they differ, in bytes from the first compared byte of the primary's frame.</summary>
    public int Offset;

    /// <summary>The primary's frame.</summary>
    public FrameSnapshot Primary;

    /// <summary>The secondary's frame.</summary>
    public FrameSnapshot Secondary;
}

/// <summary>A part of a frame: its headers, and the bytes around the difference.</summary>
public struct FrameSnapshot
{
    /// <summary>Number of the frame on its port, from 1; 0 when there is no frame.</summary>
    public uint Number;

    /// <summary>Length of the whole frame.</summary>
    public int Length;

    /// <summary>Offset in the frame of the byte that differs.</summary>
    public int DifferenceOffset;

    /// <summary>Offset in the frame of the first byte of the window.</summary>
    public int WindowOffset;

    private HeadBytes head;
    private WindowBytes window;

    /// <summary>The front of the frame.</summary>
    [UnscopedRef]
    public readonly ReadOnlySpan<byte> Head =>
        ((ReadOnlySpan<byte>)head)[..Math.Min(Length, EngineLimits.SnapshotHeadBytes)];

    /// <summary>The bytes around the difference.</summary>
    [UnscopedRef]
    public readonly ReadOnlySpan<byte> Window =>
        ((ReadOnlySpan<byte>)window)[..Math.Min(Length - WindowOffset, EngineLimits.SnapshotWindowBytes)];

    /// <summary>Copies what is to be shown of a frame.</summary>
    /// <param name="frame">Its descriptor.</param>
    /// <param name="bytes">Its bytes.</param>
    /// <param name="payloadOffset">Where they differ, from the first compared byte.</param>
    internal void Take(in Frame frame, ReadOnlySpan<byte> bytes, int payloadOffset)
    {
        Number = frame.Number;
        Length = bytes.Length;
        DifferenceOffset = Math.Min(frame.Layout.PayloadOffset + payloadOffset, bytes.Length);
        // Whole lines of a hexdump, the difference in the middle.
        WindowOffset = Math.Max(0, DifferenceOffset - (EngineLimits.SnapshotWindowBytes / 2)) & ~15;
        bytes[..Math.Min(bytes.Length, EngineLimits.SnapshotHeadBytes)].CopyTo(head);
        ReadOnlySpan<byte> around = bytes[WindowOffset..];
        around[..Math.Min(around.Length, EngineLimits.SnapshotWindowBytes)].CopyTo(window);
    }

    [InlineArray(EngineLimits.SnapshotHeadBytes)]
    private struct HeadBytes
    {
        private byte first;
    }

    [InlineArray(EngineLimits.SnapshotWindowBytes)]
    private struct WindowBytes
    {
        private byte first;
    }
}
