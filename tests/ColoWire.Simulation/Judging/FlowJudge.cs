// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using System.Linq;
using ColoWire.Simulation.World;

namespace ColoWire.Simulation.Judging;

/// <summary>
/// One flow by the rules of the design: the frames of the primary, in order, and which of them the secondary has covered, that
/// is, sent as well. Slow and obvious; it uses no code of the engine.
/// </summary>
internal abstract class FlowJudge
{
    private readonly Queue<CapturedFrame> held = new();
    private readonly LinkedList<CapturedFrame> uncovered = new();
    private readonly List<CapturedFrame> covered = [];

    /// <summary>The replicas have differed in this flow since the last checkpoint, or a datagram of it was lost.</summary>
    public bool IsHarmed { get; set; }

    /// <summary>When the last checkpoint copied the primary, only one replica had read a client's frame of this flow: the
    /// replicas differ although the secondary is a copy.</summary>
    public bool IsApart { get; set; }

    /// <summary>The appliance does not know the secondary's numbers (R17): it compares the flow only after a
    /// checkpoint.</summary>
    public bool IsUntranslated { get; set; }

    /// <summary>A frame sent before the last checkpoint was captured after it.</summary>
    public bool IsLate { get; set; }

    /// <summary>The engine has reported a divergence.</summary>
    public bool IsReported { get; set; }

    /// <summary>The engine has reported an incomplete fragmented datagram; its fragments have no ports, so for the engine they
    /// are another flow.</summary>
    public bool IsFragmentReported { get; set; }

    /// <summary>A policy releases some frames that the secondary has not sent, and tolerates frames that only the secondary
    /// sends.</summary>
    public bool LetsGo { get; init; }

    /// <summary>Frames of the secondary before this instant may come from the secondary that a checkpoint has replaced: they need
    /// no twin.</summary>
    public long StragglersUntilNs { get; private set; } = long.MinValue;

    /// <summary>The oldest primary frame that has not left, or null.</summary>
    public CapturedFrame? OldestHeld => held.TryPeek(out CapturedFrame? oldest) ? oldest : null;

    /// <summary>Number of the primary's frames that have not left.</summary>
    public int HeldFrames => held.Count;

    /// <summary>The oldest primary frame that the secondary has not covered, or null.</summary>
    public CapturedFrame? OldestUncovered => uncovered.First?.Value;

    /// <summary>The oldest primary frame that the secondary had not covered at a time of the current epoch, or null. A report is
    /// read some time after the appliance has made it, and the secondary may have covered the frame in between.</summary>
    /// <param name="atNs">The time, in nanoseconds.</param>
    public CapturedFrame? OldestUncoveredAt(long atNs) =>
        covered.Where(frame => frame.CoveredNs > atNs).Concat(uncovered).Where(frame => frame.AtNs <= atNs)
            .MinBy(frame => frame.AtNs);

    /// <summary>The oldest primary frame that the secondary has not covered and that must be covered; null when there is
    /// none.</summary>
    public CapturedFrame? OldestUnanswered => uncovered.FirstOrDefault(
        frame => !((LetsGo || IsUntranslated || frame.Sent.Aside != 0 || MayBeForgotten(frame.Sent)) && frame.HasLeft));

    /// <summary>Since when the oldest frame of the secondary has waited for its twin, in nanoseconds; null when none
    /// waits.</summary>
    public abstract long? SecondaryWaitsSinceNs { get; }

    /// <summary>Whether a frame without a twin is a divergence after the grace already, not only after the timeout, once later
    /// frames of the other side have arrived.</summary>
    public virtual bool HasGrace => false;

    /// <summary>Since when the client's RST has ended the latest connection for both replicas, in nanoseconds (R13); null when it
    /// has not.</summary>
    public virtual long? EndedNs => null;

    /// <summary>Whether the client has aborted the latest connection, or the one of the oldest frame that is held or
    /// has no twin: it sends nothing again that only one replica has missed.</summary>
    public virtual bool IsAbandoned => false;

    /// <summary>Whether only one of the replicas had accepted a client's RST at a time.</summary>
    public virtual bool IsApartByReset(long atNs) => false;

    /// <summary>Whether segments of the primary that are far away from its stream have moved the position that the engine knows
    /// of it. A checkpoint keeps that position, so that the secondary's next segment of the stream seems to be far away, and its
    /// acknowledgment does not count.</summary>
    protected virtual bool IsAstray => false;

    public void CapturePrimary(CapturedFrame frame)
    {
        uncovered.AddLast(frame);
        CapturedFrame[] placed = [.. TakePrimary(frame)];
        foreach (CapturedFrame one in placed)
        {
            held.Enqueue(one);
            if (placed.Length > 1)
            {
                // Fragments are covered, or not, at the position of their datagram.
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

    /// <summary>Whether the appliance may no longer have the record that the secondary covered a frame: frames bypassed the
    /// appliance since, or another connection began.</summary>
    public virtual bool MayBeForgotten(SentFrame frame) => false;

    /// <summary>Frames bypassed the appliance, and the next checkpoint has finished: the appliance has dropped its records of the
    /// flow.</summary>
    public virtual void Forget()
    {
    }

    /// <summary>A checkpoint has finished: all that the primary has sent counts as sent by the secondary.</summary>
    /// <param name="nowNs">The time, in nanoseconds.</param>
    /// <param name="stragglersUntilNs">Until when frames of the replaced secondary may still arrive, in nanoseconds.</param>
    public void Synchronise(long nowNs, long stragglersUntilNs)
    {
        StragglersUntilNs = stragglersUntilNs;
        foreach (CapturedFrame frame in uncovered)
        {
            frame.CoveredNs = nowNs;
        }

        uncovered.Clear();
        covered.Clear();
        IsHarmed = IsAstray || IsApart;
        IsUntranslated = false;
        IsLate = IsReported = IsFragmentReported = false;
        Share();
    }

    /// <summary>Takes a frame of the primary.</summary>
    /// <returns>The frames that now get a place in the order of the flow.</returns>
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
                covered.Add(frame.Value);
            }
        }
    }
}
