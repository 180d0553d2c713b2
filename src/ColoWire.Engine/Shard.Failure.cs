// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;

namespace ColoWire.Engine;

/// <content>What it was at when it failed. Asked only after its thread has ended.</content>
public sealed partial class Shard
{
    /// <summary>Whose batch it is taking.</summary>
    private enum FramePlace : byte
    {
        None,
        Primary,
        Secondary,
    }

    /// <summary>Frames of the secondary that it has or that are on their way to it.</summary>
    internal long SecondaryUnderWay => Counters.SecondaryHeld + rings.Secondary.Count + secondaryCount - secondaryNext;

    /// <summary>Finds the flow, and the frame if it was at one, that it had not done with.</summary>
    /// <returns>Null when it was at none.</returns>
    internal Culprit? FindCulprit()
    {
        FrameRef frame = place switch
        {
            FramePlace.Primary => primaryBatch[primaryNext],
            FramePlace.Secondary => secondaryBatch[secondaryNext],
            _ => FrameRef.None,
        };
        CulpritWriter writer = new(arena, frame);
        if (placeFlow != Flow.None)
        {
            // The flow of another frame, or of none: it was to make room, or its time had come.
            AddHeld(writer, in flows[placeFlow]);
            return writer.Of(in flows[placeFlow].Key);
        }

        if (frame.IsNone)
        {
            return null;
        }

        FlowKey key = writer.KeyOf(frame);
        if (flows.TryFind(in key, arena[frame].FlowHash, out uint found))
        {
            AddHeld(writer, in flows[found]);
        }

        return writer.Of(in key);
    }

    private static void AddHeld(CulpritWriter writer, in Flow flow)
    {
        writer.AddChain(flow.Primary.Head, flow.Primary.Count);
        writer.AddChain(flow.Cached.Head, flow.Cached.Count);
        writer.AddChain(flow.Secondary.Head, flow.Secondary.Count);
    }
}
