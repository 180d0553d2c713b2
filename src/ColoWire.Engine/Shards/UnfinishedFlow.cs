// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine.Flows;

namespace ColoWire.Engine.Shards;

/// <summary>
/// The flow that a shard was emptying, or comparing, when the poll had taken <see cref="EngineLimits.StepsPerPoll"/> steps. The next poll
/// begins with it: no frame is taken before that, so that frames leave in their order (R6).
/// </summary>
/// <param name="steps">The steps of the poll.</param>
internal sealed class UnfinishedFlow(StepMeter steps)
{
    private uint index = Flow.None;
    private UnverifiedReason? release;
    private bool clears;

    /// <summary>Whether there is such a flow.</summary>
    public bool IsAny => index != Flow.None;

    /// <summary>Whether the poll takes no further frame: it has taken its steps, or there is such a flow.</summary>
    public bool EndsPoll => steps.IsSpent || IsAny;

    /// <summary>Notes that the held frames of a flow have yet to be compared.</summary>
    public void LeaveComparison(uint flow) => index = flow;

    /// <summary>Notes that the primary's held frames of a flow have yet to be released.</summary>
    public void LeaveRelease(uint flow, UnverifiedReason reason)
    {
        index = flow;
        release = reason;
    }

    /// <summary>Notes that the secondary's held frames of a flow have yet to be dropped.</summary>
    public void LeaveClearing(uint flow)
    {
        index = flow;
        clears = true;
    }

    /// <summary>Takes up the flow: there is none afterwards.</summary>
    /// <param name="reason">Why the primary's frames are released; null when they are not.</param>
    /// <param name="clearsSecondary">Whether the secondary's frames are dropped.</param>
    /// <returns>The flow.</returns>
    public uint Take(out UnverifiedReason? reason, out bool clearsSecondary)
    {
        (uint flow, reason, clearsSecondary) = (index, release, clears);
        (index, release, clears) = (Flow.None, null, false);
        return flow;
    }
}
