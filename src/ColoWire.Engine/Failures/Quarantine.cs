// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using ColoWire.Engine.Flows;

namespace ColoWire.Engine.Failures;

/// <summary>
/// The flows that have made a duty fail. Their frames are sent unverified, so that they cause no further failure. Changed only
/// between two paths, while no duty runs; read by all duties.
/// </summary>
internal sealed class Quarantine
{
    private readonly List<FlowKey> keys = new(EngineLimits.QuarantinedFlows);

    /// <summary>The number of quarantined flows.</summary>
    public int Count => keys.Count;

    /// <summary>Whether a flow is quarantined.</summary>
    public bool Holds(in FlowKey key)
    {
        for (int i = 0; i < keys.Count; i++)
        {
            if (keys[i].Equals(key))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Adds a flow; where there is no room, it replaces the flow that was added first.</summary>
    public void Add(in FlowKey key)
    {
        if (Holds(in key))
        {
            return;
        }

        if (keys.Count == EngineLimits.QuarantinedFlows)
        {
            keys.RemoveAt(0);
        }

        keys.Add(key);
    }
}
