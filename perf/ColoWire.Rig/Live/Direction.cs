// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using System.Linq;

namespace ColoWire.Rig.Live;

/// <summary>Where frames are fed and where they arrive: the ends of the cables in the generator's namespace, of which
/// <c>p</c> leads to the primary's port, <c>s</c> to the secondary's and <c>o</c> to outdev.</summary>
/// <param name="Unit">What is counted: a pair of the replicas' frames, or a client's frame.</param>
/// <param name="Inputs">The ends into which each one is fed.</param>
/// <param name="Outputs">The ends at which each one arrives.</param>
internal sealed record Direction(string Unit, IReadOnlyList<char> Inputs, IReadOnlyList<char> Outputs)
{
    /// <summary>From the replicas to the clients.</summary>
    public static readonly Direction Outbound = new("pair", ['p', 's'], ['o']);

    /// <summary>From the clients to both replicas.</summary>
    public static readonly Direction Inbound = new("frame", ['o'], ['p', 's']);

    /// <summary>The unit of rates.</summary>
    public string PerSecond => $"{Unit}s/s";

    /// <summary>The interface at an end.</summary>
    /// <param name="name">The name of what is measured.</param>
    /// <param name="end">The end.</param>
    public static string Interface(string name, char end) => $"{name}-{end}";

    /// <summary>A list of interfaces, as the programs of perf/rig take it.</summary>
    /// <param name="name">The name of what is measured.</param>
    /// <param name="ends">The ends.</param>
    public static string List(string name, IEnumerable<char> ends) =>
        string.Join(',', ends.Select(end => Interface(name, end)));
}
