// SPDX-License-Identifier: GPL-2.0-or-later

using System.Linq;
using ColoWire.Benchmarks.Shards;

namespace ColoWire.Benchmarks.Widths;

/// <summary>A workload that is measured with each width of vectors.</summary>
/// <param name="Name">What rows call it.</param>
/// <param name="Tcp">TCP, else UDP.</param>
/// <param name="FrameBytes">Length of each frame.</param>
internal sealed record WidthWorkload(string Name, bool Tcp, int FrameBytes)
{
    private const int Flows = 64;

    /// <summary>All of them: of the long frames the payload is most of the work, of the short ones the headers.</summary>
    public static WidthWorkload[] All { get; } = [new("TCP, 1500-byte frames", true, 1500), new("UDP, 96-byte frames", false, 96)];

    /// <summary>The one of a name.</summary>
    public static WidthWorkload Of(string name) => All.Single(workload => workload.Name == name);

    /// <summary>Makes an appliance that takes it.</summary>
    public Runner Start() => Runner.Appliance(new Workload(Tcp, Flows, FrameBytes));
}
