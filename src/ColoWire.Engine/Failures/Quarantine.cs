// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using ColoWire.Engine.Flows;

namespace ColoWire.Engine.Failures;

/// <summary>
/// The flows that have made a duty fail: they leave unverified, so that they do it once. Filled between two paths, while no duty
/// runs; read by all duties.
/// </summary>
internal sealed class Quarantine
{
    private readonly List<FlowKey> keys = new(EngineLimits.QuarantinedFlows);

    /// <summary>Flows in it.</summary>
    public int Count => keys.Count;

    /// <summary>Whether a flow is in it.</summary>
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

    /// <summary>Adds a flow; where there is no room, in the place of the one that was added first.</summary>
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
