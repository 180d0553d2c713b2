// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine.Failures;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;

namespace ColoWire.Engine.Capture;

/// <content>
/// Names the frame that the duty was processing when it failed, and excludes fragments of quarantined flows from reassembly.
/// </content>
public sealed partial class CaptureDuty
{
    /// <summary>
    /// The number of frames that the duty has received and not passed on. Read only after the duty's thread has ended.
    /// </summary>
    internal long UnderWay => received - next + Reassembly.Waiting;

    /// <summary>
    /// Finds the frame, or the fragmented datagram, that the duty was processing when it failed. Called only after the duty's
    /// thread has ended.
    /// </summary>
    /// <returns>Null when it was processing none.</returns>
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

        // The port does not set the side, and the duty may have failed before it did.
        arena[frame].Side = side;
        CulpritWriter writer = new(arena, frame);
        return writer.Of(writer.KeyOf(frame));
    }

    /// <summary>Whether the flow of a fragment has made a duty fail; its fragments are not reassembled.</summary>
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
