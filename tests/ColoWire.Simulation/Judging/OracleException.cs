// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Simulation.World;

namespace ColoWire.Simulation.Judging;

/// <summary>The appliance has broken a rule.</summary>
internal sealed class OracleException(string rule, int flow, string message) : Exception($"{rule}: {message}")
{
    /// <summary>The flow concerned, or <see cref="EventLog.NoFlow"/>.</summary>
    public int Flow => flow;

    /// <summary>The rule that was broken.</summary>
    public string Rule => rule;
}
