// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Simulation.World;

namespace ColoWire.Simulation.Judging;

/// <summary>A primary frame that the appliance has captured; a frame that arrives twice is captured twice.</summary>
internal sealed class CapturedFrame(SentFrame sent, long atNs)
{
    public SentFrame Sent => sent;

    public long AtNs => atNs;

    /// <summary>When the secondary had sent the same as the whole frame, or null.</summary>
    public long? CoveredNs { get; set; }

    public bool HasLeft { get; set; }

    /// <summary>The frame was captured after a checkpoint that the gate has not read yet: the appliance counts it as before the
    /// checkpoint.</summary>
    public bool IsBeforeNews { get; init; }
}
