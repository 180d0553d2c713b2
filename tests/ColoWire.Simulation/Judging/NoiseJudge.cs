// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Simulation.World;

namespace ColoWire.Simulation.Judging;

/// <summary>Frames that nobody compares: all of the primary may leave, and the secondary's are awaited by nobody.</summary>
internal sealed class NoiseJudge : FlowJudge
{
    public override long? SecondaryWaitsSinceNs => null;

    protected override void TakePrimary(CapturedFrame frame)
    {
    }

    protected override void TakeSecondary(SentFrame frame, long nowNs)
    {
    }

    protected override bool IsCovered(CapturedFrame frame) => true;

    protected override void Share()
    {
    }
}
