// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine.Failures;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;

namespace ColoWire.Engine.Egress;

/// <content>Names the frames that the duty was sending when it failed. Called only after the duty's thread has ended.</content>
public sealed partial class EgressDuty
{
    /// <summary>Finds the frames that the duty had passed to the port.</summary>
    /// <returns>Null when it had passed none. The culprit names no flow, because the port does not report which of the frames
    /// failed; no flow is therefore quarantined.</returns>
    internal Culprit? FindCulprit()
    {
        if (!injecting || pendingCount == 0)
        {
            return null;
        }

        CulpritWriter writer = new(arena, FrameRef.None);
        Array.ForEach(pending[..pendingCount], writer.Add);
        return writer.Of(default(FlowKey));
    }
}
