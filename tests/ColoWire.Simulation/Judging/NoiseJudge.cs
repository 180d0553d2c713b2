// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using ColoWire.Simulation.World;

namespace ColoWire.Simulation.Judging;

/// <summary>Frames that are not compared: all of the primary's may leave, and none of the secondary's needs a twin.</summary>
internal sealed class NoiseJudge : FlowJudge
{
    public override long? SecondaryWaitsSinceNs => null;

    /// <summary>These frames belong to many flows: they have no common order.</summary>
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
