// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Simulation.World;

namespace ColoWire.Simulation.Judging;

/// <summary>A primary frame that the appliance has taken in, once for each time that it arrived.</summary>
internal sealed class CapturedFrame(SentFrame sent, long atNs)
{
    public SentFrame Sent => sent;

    public long AtNs => atNs;

    /// <summary>When the secondary had agreed to all of it, or null.</summary>
    public long? CoveredNs { get; set; }

    public bool HasLeft { get; set; }

    /// <summary>It came after a checkpoint of which nobody had told the gate yet: to the appliance it came before.</summary>
    public bool IsBeforeNews { get; init; }
}
