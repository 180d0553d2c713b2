// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using ColoWire.Simulation.World;

namespace ColoWire.Simulation.Judging;

/// <summary>Frames that nobody compares: all of the primary may leave, and the secondary's are awaited by nobody.</summary>
internal sealed class NoiseJudge : FlowJudge
{
    public override long? SecondaryWaitsSinceNs => null;

    /// <summary>These are frames of many flows: there is no order among them.</summary>
    public override bool Leave(CapturedFrame frame)
    {
        frame.HasLeft = true;
        return true;
    }

    protected override IEnumerable<CapturedFrame> TakePrimary(CapturedFrame frame) => [];

    protected override void TakeSecondary(SentFrame frame, long nowNs)
    {
    }

    protected override bool IsCovered(CapturedFrame frame) => true;

    protected override void Share()
    {
    }
}
