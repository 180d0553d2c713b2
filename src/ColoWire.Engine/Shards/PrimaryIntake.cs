// SPDX-License-Identifier: GPL-2.0-or-later

using System.Runtime.CompilerServices;
using ColoWire.Engine.Compare;
using ColoWire.Engine.Exits;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Shards;

/// <summary>
/// Takes the primary's frames: each one is held until the secondary has sent the same, or is sent at once. <see cref="Take"/> is
/// inlined and takes predicted frames, nearly all of them while the replicas are in step; <see cref="TakeInFull"/> takes all
/// other frames, with the flow already found.
/// </summary>
internal sealed class PrimaryIntake(
    EngineOptions options, FrameArena arena, ShardView view, FlowWalk walk, Admission admission, FlowComparers comparers,
    HeldFrames held,
    HeldComparison comparison, FlowLifecycle lifecycle, Disposition disposition, UnfinishedFlow unfinished,
    ClientTracker? clients)
{
    private readonly int maxQueueSize = options.MaxQueueSize;

    // From this queue length on, datagrams are indexed, which the prediction path does not do.
    private readonly int predictedQueueSize = int.Min(options.MaxQueueSize, EngineLimits.IndexedAtOnce);

    /// <summary>Notes the guest's MAC address in one frame of each batch, because predicted frames pass without a look at
    /// it.</summary>
    public void NoteAddress(FrameView first) => clients?.NoteFirst(first.Bytes);

    /// <summary>Takes a frame.</summary>
    /// <param name="flow">Its flow, or a null reference where none exists yet.</param>
    /// <param name="primary">The frame.</param>
    /// <param name="nowNs">The engine's clock, in nanoseconds.</param>
    /// <returns>False when there is no room for the frame yet, its epoch has not begun, or the poll must end.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Take(ref Flow flow, FrameView primary, long nowNs) =>
        (view.Predicts(in flow, primary) && TryTakePredicted(ref flow, primary, nowNs))
            || TakeInFull(ref flow, primary.Reference, nowNs);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryTakePredicted(ref Flow flow, FrameView primary, long nowNs)
    {
        bool isStream = primary.Descriptor.Layout.Kind == FrameKind.Tcp;
        if (flow.Primary.Count >= predictedQueueSize || !FlowComparers.TryAccept(ref flow, primary, isStream))
        {
            return false;
        }

        if (view.Observes)
        {
            disposition.SendAhead(primary.Reference);
        }

        if (isStream && flow.Primary.IsEmpty && comparers.TryReleaseAck(in flow, primary))
        {
            disposition.ReleaseVerified(primary);
            return true;
        }

        held.Hold(ref flow, primary.Reference, weight: 1);
        if (flow.Primary.Count == 1 && !comparers.MustWait(in flow, primary, isStream))
        {
            comparison.Compare(ref flow, nowNs);
        }

        return true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TakeInFull(ref Flow found, FrameRef primary, long nowNs)
    {
        if (unfinished.EndsPoll)
        {
            return false;
        }

        ref Frame frame = ref arena[primary];
        if (view.IsSecondaryAlone)
        {
            disposition.DropPrimary(primary, DropReason.PrimaryFailover);
            return true;
        }

        if ((frame.Marks & FrameMarks.ForwardOnly) != 0 || frame.Layout.Kind >= FrameKind.NotCompared)
        {
            _ = clients?.Learn(arena.Bytes(primary));
            ReleaseNotCompared(primary);
            return true;
        }

        walk.RefreshFor(frame.Layout.Kind, nowNs);
        if (view.IsAhead(in frame) || unfinished.EndsPoll)
        {
            return false;
        }

        ref Flow flow = ref admission.Admit(ref found, primary, nowNs);
        if (Unsafe.IsNullRef(in flow))
        {
            return false;
        }

        clients?.NoteGuest(ref flow, arena.View(primary));
        if (flow.Action != PolicyAction.Compare)
        {
            TakeByPolicy(in flow, primary);
            return true;
        }

        if (flow.State == FlowState.OverShare)
        {
            lifecycle.CompareAgainInTime(ref flow, nowNs);
        }

        return TakeComparable(ref flow, primary, nowNs);
    }

    private bool TakeComparable(ref Flow flow, FrameRef primary, long nowNs)
    {
        ref Frame frame = ref arena[primary];
        bool isStale = view.IsStale(in frame);
        bool mayBeHeld = !isStale && !view.IsStopped && !view.PrimaryLeavesUncompared && !FlowLifecycle.LeavesUnverified(in flow);
        if (view.HoldsOverflow && mayBeHeld && flow.Primary.Count >= maxQueueSize)
        {
            return false;
        }

        SendAheadIfObserved(primary);
        comparers.AcceptPrimary(ref flow, primary, isShared: isStale);
        held.Hold(ref flow, primary, disposition.Weight(primary));
        if (!mayBeHeld)
        {
            held.ReleaseAll(ref flow, ReasonNotToHold(in flow, isStale));
        }
        else if (flow.Primary.Count > maxQueueSize)
        {
            lifecycle.Overflow(ref flow, nowNs);
        }
        else if (flow.State == FlowState.Comparing && view.IsCompared)
        {
            if (IsBroken(in frame))
            {
                lifecycle.Diverge(ref flow, Verdict.Diverged(DivergenceReason.Fragment), nowNs);
            }
            else if (comparers.ChangesFlow(ref flow, primary))
            {
                comparison.Compare(ref flow, nowNs);
            }
        }

        return true;
    }

    private UnverifiedReason ReasonNotToHold(in Flow flow, bool isStale) =>
        isStale ? UnverifiedReason.StaleEpoch
        : view.IsStopped ? UnverifiedReason.Stop
        : view.PrimaryLeavesUncompared ? view.ReasonNotCompared
        : FlowLifecycle.ReasonNotVerified(in flow);

    private void ReleaseNotCompared(FrameRef primary)
    {
        ref Frame frame = ref arena[primary];
        SendAheadIfObserved(primary);
        if ((frame.Marks & FrameMarks.ForwardOnly) != 0)
        {
            disposition.ReleaseFragment(primary);
        }
        else if (frame.Layout.Kind == FrameKind.NotCompared)
        {
            disposition.Release(primary, frame.Layout.NotCompared);
        }
        else
        {
            disposition.Release(primary, frame.Layout.Malformed);
        }
    }

    private void TakeByPolicy(in Flow flow, FrameRef primary)
    {
        if (flow.Action == PolicyAction.Drop)
        {
            disposition.DropPrimary(primary, DropReason.PrimaryPolicy);
            return;
        }

        SendAheadIfObserved(primary);
        if (flow.Action == PolicyAction.Quarantine)
        {
            disposition.Release(primary, UnverifiedReason.Quarantine);
        }
        else
        {
            disposition.Release(primary, flow.NotComparedReason);
        }
    }

    private void SendAheadIfObserved(FrameRef primary)
    {
        if (view.Observes)
        {
            disposition.SendAhead(primary);
        }
    }

    private static bool IsBroken(in Frame frame) =>
        frame.Layout.Kind == FrameKind.Fragment && (frame.Marks & FrameMarks.Incomplete) == 0;
}
