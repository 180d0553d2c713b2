// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine.Flows;

namespace ColoWire.Engine.Shards;

/// <summary>
/// The flow that a shard was emptying or comparing when the poll had taken <see cref="EngineLimits.StepsPerPoll"/> steps. The
/// next poll begins with this flow and takes no frame before it is finished, so that frames are sent in order (R6).
/// </summary>
/// <param name="steps">The step counter of the poll.</param>
internal sealed class UnfinishedFlow(StepMeter steps)
{
    private uint index = Flow.None;
    private UnverifiedReason? release;
    private bool clears;

    /// <summary>Whether a flow is unfinished.</summary>
    public bool IsAny => index != Flow.None;

    /// <summary>Whether the poll takes no further frame: its steps are used up, or a flow is unfinished.</summary>
    public bool EndsPoll => steps.IsSpent || IsAny;

    /// <summary>Records that the held frames of a flow have yet to be compared.</summary>
    public void LeaveComparison(uint flow) => index = flow;

    /// <summary>Records that the primary's held frames of a flow have yet to be released.</summary>
    public void LeaveRelease(uint flow, UnverifiedReason reason)
    {
        index = flow;
        release = reason;
    }

    /// <summary>Records that the secondary's held frames of a flow have yet to be dropped.</summary>
    public void LeaveClearing(uint flow)
    {
        index = flow;
        clears = true;
    }

    /// <summary>Takes the unfinished flow and clears the record.</summary>
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
