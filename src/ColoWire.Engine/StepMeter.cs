// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Engine;

/// <summary>
/// Counts what a poll of a shard does beyond looking at one frame after the other: the steps that grow with what flows hold, with the
/// number of flows, or with a limit that an operator may raise. When they reach <see cref="EngineLimits.StepsPerPoll"/>, the poll ends and
/// the next one goes on, so that no traffic keeps a core from its beat.
/// </summary>
internal sealed class StepMeter
{
    /// <summary>Steps since the poll began.</summary>
    public int Taken { get; private set; }

    /// <summary>Whether the poll has done enough.</summary>
    public bool IsSpent => Taken >= EngineLimits.StepsPerPoll;

    /// <summary>Whether half of what a poll may do is done: as much as work is given that is not about the frames that come.</summary>
    public bool IsHalfSpent => Taken >= EngineLimits.StepsPerPoll / 2;

    /// <summary>A poll begins.</summary>
    public void Begin() => Taken = 0;

    /// <summary>Counts steps.</summary>
    public void Count(int steps = 1) => Taken += steps;
}
