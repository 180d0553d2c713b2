// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Engine;

/// <summary>
/// Counts the steps of a shard's poll beyond one step per frame: the steps that depend on the number of held frames, on the
/// number of flows, or on a configurable limit. At <see cref="EngineLimits.StepsPerPoll"/> steps the poll ends and the next one
/// continues, so that no traffic delays the core's heartbeat.
/// </summary>
internal sealed class StepMeter
{
    /// <summary>Steps since the poll began.</summary>
    public int Taken { get; private set; }

    /// <summary>Whether the poll has used up its steps.</summary>
    public bool IsSpent => Taken >= EngineLimits.StepsPerPoll;

    /// <summary>Whether the poll has used up half of its steps: the limit for work that is not for new frames.</summary>
    public bool IsHalfSpent => Taken >= EngineLimits.StepsPerPoll / 2;

    /// <summary>Resets the counter at the start of a poll.</summary>
    public void Begin() => Taken = 0;

    /// <summary>Counts steps.</summary>
    public void Count(int steps = 1) => Taken += steps;
}
