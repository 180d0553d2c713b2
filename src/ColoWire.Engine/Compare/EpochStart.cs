// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine.Frames;

namespace ColoWire.Engine.Compare;

/// <summary>The time after the beginning of an epoch in which a frame may still belong to the epoch before.</summary>
/// <param name="graceNs">How long that is after a checkpoint, in nanoseconds.</param>
internal sealed class EpochStart(long graceNs)
{
    private long stragglersUntilNs = long.MinValue;
    private long earlyUntilNs = long.MinValue;

    /// <summary>An epoch begins.</summary>
    /// <param name="nowNs">The engine's clock.</param>
    /// <param name="hasCheckpoint">Whether a checkpoint began it.</param>
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

    /// <summary>Whether a frame of the secondary may have been sent by the secondary that the checkpoint has replaced (R7): it counts where
    /// it agrees with the primary, and nowhere else.</summary>
    public bool IsStraggler(in Frame secondary) => IsStraggler(secondary.ArrivalNs);

    /// <summary>Whether what the secondary said at an instant may have been said by the one that the checkpoint has replaced.</summary>
    public bool IsStraggler(long arrivalNs) => arrivalNs < stragglersUntilNs;

    /// <summary>Whether the twin of a frame of the primary may have come before an epoch that no checkpoint began. When the frame finds no
    /// twin, that is no divergence.</summary>
    public bool IsEarly(in Frame primary) => primary.ArrivalNs < earlyUntilNs;
}
