// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Benchmarks.Shards;

namespace ColoWire.Benchmarks.Widths;

/// <summary>A workload that is measured with each width of vectors.</summary>
/// <param name="Name">Its name in rows.</param>
/// <param name="Tcp">TCP; otherwise UDP.</param>
/// <param name="FrameBytes">Length of each frame, in bytes.</param>
internal sealed record WidthWorkload(string Name, bool Tcp, int FrameBytes)
{
    private const int Flows = 64;

    /// <summary>All workloads: with long frames most of the work is the payload, with short frames the headers.</summary>
    public static WidthWorkload[] All { get; } =
        [new("TCP, 1500-byte frames", true, 1500), new("UDP, 96-byte frames", false, 96)];

    /// <summary>Makes an appliance that processes this workload.</summary>
    public Runner Start() => Runner.Appliance(new Workload(Tcp, Flows, FrameBytes));
}
