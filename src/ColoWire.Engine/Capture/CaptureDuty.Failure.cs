// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine.Failures;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;

namespace ColoWire.Engine.Capture;

/// <content>What it was at when it failed, and what it spares the flow that did it. The first is asked only after its thread has
/// ended.</content>
public sealed partial class CaptureDuty
{
    /// <summary>Frames that it has taken from the port and not handed on.</summary>
    internal long UnderWay => received - next + Reassembly.Waiting;

    /// <summary>Finds the frame, or the datagram in fragments, that it had not done with.</summary>
    /// <returns>Null when it was at none.</returns>
    internal Culprit? FindCulprit()
    {
        FrameRef frame = fragments.ShowGivingUp();
        if (frame.IsNone)
        {
            frame = next < received ? batch[next] : FrameRef.None;
        }

        if (frame.IsNone)
        {
            return null;
        }

        // The port does not know whose side it is on, and the frame may not have come so far.
        arena[frame].Side = side;
        CulpritWriter writer = new(arena, frame);
        return writer.Of(writer.KeyOf(frame));
    }

    /// <summary>Fragments of a flow that has made a duty fail are not put together any more.</summary>
    private bool IsQuarantined(FrameRef fragment)
    {
        if (quarantine.Count == 0)
        {
            return false;
        }

        FlowKey.Read(arena.Bytes(fragment), in arena[fragment].Layout, out FlowKey key);
        return quarantine.Holds(in key);
    }
}
