// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using System.Linq;
using ColoWire.Simulation.World;

namespace ColoWire.Simulation.Judging;

/// <summary>
/// One flow as the rules see it: what the primary has offered, in order, and what the secondary has said to it. Slow and obvious;
/// it knows nothing of the engine.
/// </summary>
internal abstract class FlowJudge
{
    private readonly Queue<CapturedFrame> held = new();
    private readonly LinkedList<CapturedFrame> uncovered = new();

    /// <summary>The replicas differ in this flow since the last checkpoint, or its datagrams were lost on the way.</summary>
    public bool IsHarmed { get; set; }

    /// <summary>A frame of before the last checkpoint came after it.</summary>
    public bool IsLate { get; set; }

    /// <summary>The engine has said that they differ.</summary>
    public bool IsReported { get; set; }

    /// <summary>The engine has said that a datagram in fragments never became whole; it has no ports, so to the engine that is another
    /// flow.</summary>
    public bool IsFragmentReported { get; set; }

    /// <summary>A policy lets some frames go to which nobody agrees, and takes it for nothing when only the secondary says them.</summary>
    public bool LetsGo { get; init; }

    /// <summary>What the secondary says before this instant may be the word of the one that a checkpoint has replaced: nobody need
    /// answer it.</summary>
    public long StragglersUntilNs { get; private set; } = long.MinValue;

    /// <summary>The oldest primary frame that has not left, or null.</summary>
    public CapturedFrame? OldestHeld => held.TryPeek(out CapturedFrame? oldest) ? oldest : null;

    /// <summary>How many of the primary's frames have not left.</summary>
    public int HeldFrames => held.Count;

    /// <summary>The oldest primary frame to which the secondary has not agreed, or null.</summary>
    public CapturedFrame? OldestUncovered => uncovered.First?.Value;

    /// <summary>The oldest primary frame to which the secondary has not agreed, though it must; null when there is none.</summary>
    public CapturedFrame? OldestUnanswered => uncovered.FirstOrDefault(
        frame => !((LetsGo || frame.Sent.Aside != 0 || MayBeForgotten(frame.Sent)) && frame.HasLeft));

    /// <summary>Since when the secondary's oldest saying waits for the primary to say the same; null when nothing does.</summary>
    public abstract long? SecondaryWaitsSinceNs { get; }

    public void CapturePrimary(CapturedFrame frame)
    {
        uncovered.AddLast(frame);
        CapturedFrame[] placed = [.. TakePrimary(frame)];
        foreach (CapturedFrame one in placed)
        {
            held.Enqueue(one);
            if (placed.Length > 1)
            {
                // Fragments agree, or not, in the place of their datagram.
                uncovered.Remove(one);
                uncovered.AddLast(one);
            }
        }

        Review(frame.AtNs);
    }

    public void CaptureSecondary(SentFrame frame, long nowNs)
    {
        TakeSecondary(frame, nowNs);
        Review(nowNs);
    }

    /// <summary>A frame leaves.</summary>
    /// <returns>Whether it was the oldest that had not left (R6).</returns>
    public virtual bool Leave(CapturedFrame frame)
    {
        frame.HasLeft = true;
        return held.TryDequeue(out CapturedFrame? oldest) && oldest == frame;
    }

    /// <summary>Whether the client has all of this frame already, from frames that left before it.</summary>
    public virtual bool Repeats(SentFrame frame) => false;

    /// <summary>Whether the appliance may have forgotten that the secondary agreed to a frame: frames passed it uncompared since,
    /// or another connection began.</summary>
    public virtual bool MayBeForgotten(SentFrame frame) => false;

    /// <summary>Frames passed the appliance uncompared, and the checkpoint after that has finished: the appliance has forgotten
    /// what was said before.</summary>
    public virtual void Forget()
    {
    }

    /// <summary>A checkpoint has finished: all that the primary has said is the secondary's too.</summary>
    /// <param name="nowNs">When.</param>
    /// <param name="stragglersUntilNs">Until when the replaced secondary may still be heard.</param>
    public void Synchronise(long nowNs, long stragglersUntilNs)
    {
        StragglersUntilNs = stragglersUntilNs;
        foreach (CapturedFrame frame in uncovered)
        {
            frame.CoveredNs = nowNs;
        }

        uncovered.Clear();
        IsHarmed = IsLate = IsReported = IsFragmentReported = false;
        Share();
    }

    /// <summary>Takes a frame of the primary.</summary>
    /// <returns>The frames that have a place in the order of the flow from now on.</returns>
    protected abstract IEnumerable<CapturedFrame> TakePrimary(CapturedFrame frame);

    protected abstract void TakeSecondary(SentFrame frame, long nowNs);

    protected abstract bool IsCovered(CapturedFrame frame);

    protected abstract void Share();

    private void Review(long nowNs)
    {
        for (LinkedListNode<CapturedFrame>? at = uncovered.First; at is not null;)
        {
            LinkedListNode<CapturedFrame> frame = at;
            at = at.Next;
            if (IsCovered(frame.Value))
            {
                frame.Value.CoveredNs = nowNs;
                uncovered.Remove(frame);
            }
        }
    }
}
