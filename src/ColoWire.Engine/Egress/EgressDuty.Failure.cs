// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine.Failures;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;

namespace ColoWire.Engine.Egress;

/// <content>What it was at when it failed. Asked only after its thread has ended.</content>
public sealed partial class EgressDuty
{
    /// <summary>Finds the frames that it had given to the port.</summary>
    /// <returns>Null when it had given none. No flow is named: which of the frames it was the port does not say, and none is
    /// spared the port.</returns>
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
