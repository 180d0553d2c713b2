// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Failures;

/// <summary>
/// Copies frames of a path that has failed. Their descriptors may be corrupt: offsets and lengths are limited to the slot, and
/// linked lists are followed no farther than their stated length.
/// </summary>
/// <param name="arena">The arena of the frames.</param>
/// <param name="self">The frame that the duty was processing, which is copied last even where its flow holds it; or none.</param>
internal sealed class CulpritWriter(FrameArena arena, FrameRef self)
{
    private readonly List<CulpritFrame> frames = [];

    /// <summary>Copies a frame.</summary>
    public void Add(FrameRef frame) =>
        frames.Add(new CulpritFrame(arena[frame].Side, arena[frame].ArrivalNs, BytesOf(frame).ToArray()));

    /// <summary>Copies the last frames of a linked list.</summary>
    /// <param name="first">The first frame of the list, or none.</param>
    /// <param name="count">The stated length of the list.</param>
    private void AddChain(FrameRef first, int count)
    {
        FrameRef at = first;
        for (int i = 0; i < count && arena.Has(at); i++)
        {
            if (i >= count - EngineLimits.CulpritFrames && at != self)
            {
                Add(at);
            }

            at = arena[at].Next;
        }
    }

    /// <summary>Copies the frames that a flow holds.</summary>
    public void AddHeld(in Flow flow)
    {
        AddChain(flow.Primary.Head, flow.Primary.Count);
        AddChain(flow.Cached.Head, flow.Cached.Count);
        AddChain(flow.Secondary.Head, flow.Secondary.Count);
    }

    /// <summary>Builds the culprit from the copied frames.</summary>
    public Culprit Of(in FlowKey flow)
    {
        if (!self.IsNone)
        {
            Add(self);
        }

        return new Culprit(flow, frames);
    }

    /// <summary>Parses the key of the guest's flow that a frame belongs to from the frame's bytes again.</summary>
    /// <returns>A key without an IP version when the frame has none.</returns>
    public FlowKey KeyOf(FrameRef frame)
    {
        try
        {
            ReadOnlySpan<byte> bytes = BytesOf(frame);
            FrameParser.Parse(bytes, out FrameLayout layout);
            if (layout.Kind >= FrameKind.NotCompared)
            {
                return default;
            }

            FlowKey.Read(bytes, in layout, out FlowKey key);
            return arena[frame].Side == Side.World ? key.Reversed() : key;
        }
        catch (Exception exception) when (exception is ArgumentException or IndexOutOfRangeException)
        {
            // The parser itself failed at this frame, and fails again.
            return default;
        }
    }

    private ReadOnlySpan<byte> BytesOf(FrameRef frame)
    {
        ref Frame descriptor = ref arena[frame];
        ReadOnlySpan<byte> slot = arena.SlotBytes(frame);
        int offset = Math.Min(descriptor.Offset, slot.Length);
        int most = Math.Min(slot.Length - offset, EngineLimits.MaxFrameBytes);
        // An impossible length is replaced by all bytes that the slot has.
        int length = (uint)descriptor.Length <= (uint)most ? descriptor.Length : most;
        return slot.Slice(offset, length);
    }
}
