// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine.Frames;

namespace ColoWire.Engine.Compare;

/// <summary>The period after the beginning of an epoch in which a frame may still belong to the epoch before.</summary>
/// <param name="graceNs">Length of the period after a checkpoint, in nanoseconds.</param>
internal sealed class EpochStart(long graceNs)
{
    private long stragglersUntilNs = long.MinValue;
    private long earlyUntilNs = long.MinValue;

    /// <summary>Starts the period.</summary>
    /// <param name="nowNs">When the epoch begins, in nanoseconds of the engine's clock.</param>
    /// <param name="hasCheckpoint">Whether a finished checkpoint began the epoch.</param>
    public void Begin(long nowNs, bool hasCheckpoint)
    {
        stragglersUntilNs = nowNs + graceNs;
        earlyUntilNs = long.MinValue;
        if (!hasCheckpoint)
        {
            stragglersUntilNs = System.Math.Max(stragglersUntilNs, nowNs + EngineLimits.FreshEpochSettlesNs);
            earlyUntilNs = stragglersUntilNs;
        }
    }

    /// <summary>Whether the secondary may have sent a frame before the checkpoint replaced its state (R7). Such a frame verifies
    /// bytes of the primary that equal it, but a difference is no divergence.</summary>
    public bool IsStraggler(in Frame secondary) => IsStraggler(secondary.ArrivalNs);

    /// <summary>Whether a frame of the secondary with this arrival time may have been sent before the checkpoint replaced the
    /// secondary's state.</summary>
    public bool IsStraggler(long arrivalNs) => arrivalNs < stragglersUntilNs;

    /// <summary>Whether the twin of a frame of the primary may have arrived before an epoch that began without a checkpoint. When
    /// such a frame finds no twin, that is no divergence.</summary>
    public bool IsEarly(in Frame primary) => primary.ArrivalNs < earlyUntilNs;
}
