// SPDX-License-Identifier: GPL-2.0-or-later

using System.Runtime.CompilerServices;
using ColoWire.Engine.Compare;
using ColoWire.Engine.Exits;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Shards;

/// <summary>
/// Takes the secondary's frames: each one is compared with the primary's held frames, or held until the primary sends the same.
/// <see cref="Take"/> is inlined and takes predicted frames, nearly all of them while the replicas are in step;
/// <see cref="TakeInFull"/> takes all other frames, with the flow already found.
/// </summary>
internal sealed class SecondaryIntake(
    EngineOptions options, FrameArena arena, ShardView view, FlowWalk walk, Admission admission, FlowComparers comparers,
    HeldFrames held,
    HeldComparison comparison, FlowLifecycle lifecycle, Disposition disposition, UnfinishedFlow unfinished,
    ClientTracker? clients)
{
    private readonly int maxQueueSize = options.MaxQueueSize;

    /// <summary>Takes a frame.</summary>
    /// <param name="flow">Its flow, or a null reference where none exists yet.</param>
    /// <param name="secondary">The frame.</param>
    /// <param name="nowNs">The engine's clock, in nanoseconds.</param>
    /// <returns>False when its epoch has not begun, or the poll must end.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Take(ref Flow flow, FrameView secondary, long nowNs) =>
        (view.Predicts(in flow, secondary) && TryTakePredicted(ref flow, secondary, nowNs))
        || TakeInFull(ref flow, secondary.Reference, nowNs);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryTakePredicted(ref Flow flow, FrameView secondary, long nowNs)
    {
        bool isStream = secondary.Descriptor.Layout.Kind == FrameKind.Tcp;
        if (isStream && secondary.Descriptor.Layout.PayloadLength == 0)
        {
            return TryTakePredictedAck(ref flow, secondary, nowNs);
        }

        if (flow.Primary.IsEmpty || !flow.Secondary.IsEmpty)
        {
            return false;
        }

        FrameView oldest = arena.View(flow.Primary.Head);
        bool matches = comparers.TryMatch(ref flow, oldest, secondary, isStream);
        if (matches)
        {
            ReleasePredicted(ref flow, oldest, isStream, nowNs);
        }

        return matches;
    }

    /// <summary>Takes a predicted acknowledgment of the secondary, for which the oldest held frame may have waited.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryTakePredictedAck(ref Flow flow, FrameView secondary, long nowNs)
    {
        if (!comparers.TryAcceptAck(ref flow, secondary, out bool advances))
        {
            return false;
        }

        if (!advances || flow.Primary.IsEmpty)
        {
            return true;
        }

        FrameView oldest = arena.View(flow.Primary.Head);
        if (comparers.TryReleaseAck(in flow, oldest))
        {
            ReleasePredicted(ref flow, oldest, isStream: true, nowNs);
        }
        else if (!comparers.MustWait(in flow, oldest, isStream: true))
        {
            comparison.Compare(ref flow, nowNs);
        }

        return true;
    }

    /// <summary>Releases the oldest held frame as verified, and compares the next one unless that one must wait.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void ReleasePredicted(ref Flow flow, FrameView oldest, bool isStream, long nowNs)
    {
        held.ReleaseOldest(ref flow, oldest);
        if (!flow.Primary.IsEmpty && !comparers.MustWait(in flow, arena.View(flow.Primary.Head), isStream))
        {
            comparison.Compare(ref flow, nowNs);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TakeInFull(ref Flow found, FrameRef secondary, long nowNs)
    {
        if (unfinished.EndsPoll || walk.IsTakingOver)
        {
            return false;
        }

        ref Frame frame = ref arena[secondary];
        FrameKind kind = frame.Layout.Kind;
        if ((view.IsCompared || frame.Epoch != view.Epoch) && kind < FrameKind.NotCompared)
        {
            walk.RefreshFor(kind, nowNs);
            if (view.MustWaitForEpoch(in frame) || unfinished.EndsPoll || walk.IsTakingOver)
            {
                return false;
            }
        }

        if (!view.IsCompared)
        {
            TakeUncompared(secondary);
        }
        else if (kind >= FrameKind.NotCompared)
        {
            disposition.DropSecondary(
                secondary, kind == FrameKind.NotCompared ? DropReason.SecondaryPassed : DropReason.SecondaryMalformed);
        }
        else if (view.IsStale(in frame))
        {
            disposition.DropSecondary(secondary, DropReason.SecondaryStale);
        }
        else
        {
            return TakeComparable(ref found, secondary, nowNs);
        }

        return true;
    }

    private void TakeUncompared(FrameRef secondary)
    {
        if (view.IsSecondaryAlone && !view.IsStopped)
        {
            disposition.ReleaseSecondary(secondary);
        }
        else
        {
            disposition.DropSecondary(secondary, DropReason.SecondaryAlone);
        }
    }

    private bool TakeComparable(ref Flow found, FrameRef secondary, long nowNs)
    {
        ref Flow flow = ref admission.Admit(ref found, secondary, nowNs);
        NoteOpening(ref flow, secondary);
        if (Unsafe.IsNullRef(in flow))
        {
            if (unfinished.IsAny)
            {
                return false;
            }

            disposition.DropSecondary(secondary, DropReason.SecondaryTableFull);
        }
        else if (ReasonToDrop(in flow, in arena[secondary].Layout) is { } reason)
        {
            disposition.DropSecondary(secondary, reason);
        }
        else if (arena[secondary].Layout.Kind == FrameKind.Fragment)
        {
            TakeFragments(ref flow, secondary, nowNs);
        }
        else if (comparers.AcceptSecondary(ref flow, secondary) && !flow.Primary.IsEmpty)
        {
            comparison.Compare(ref flow, nowNs);
        }

        return true;
    }

    private void NoteOpening(ref Flow flow, FrameRef secondary)
    {
        if (clients is not null && !Unsafe.IsNullRef(in flow))
        {
            clients.NoteGuest(ref flow, arena.View(secondary));
        }
    }

    /// <summary>Why a frame of a flow is not compared; null when it is.</summary>
    private DropReason? ReasonToDrop(in Flow flow, in FrameLayout layout) =>
        flow.Action == PolicyAction.Drop ? DropReason.SecondaryPolicy
        : flow.Action != PolicyAction.Compare ? DropReason.SecondaryPassed
        : view.IsStopped || flow.State == FlowState.Diverged ? DropReason.SecondaryUnmatched
        : flow.State == FlowState.ClientReset ? DropReason.SecondaryClientReset
        : flow.State == FlowState.Untranslated ? DropReason.SecondaryMirrorLoss
        : FlowLifecycle.LeavesUnverified(in flow) ? DropReason.SecondaryAfterDivergence
        : flow.Secondary.Count >= maxQueueSize && MayBeHeld(in layout) ? DropReason.SecondaryQueueFull
        : null;

    /// <summary>
    /// Takes fragments of the secondary that were not reassembled: the primary has sent the same fragments, or the replicas
    /// differ.
    /// </summary>
    private void TakeFragments(ref Flow flow, FrameRef secondary, long nowNs)
    {
        bool isOverdue = (arena[secondary].Marks & FrameMarks.Overdue) != 0;
        comparers.AcceptSecondary(ref flow, secondary);
        if (!flow.Primary.IsEmpty)
        {
            comparison.Compare(ref flow, nowNs);
        }

        // The primary's fragments time out earlier, so their frame has arrived by now and would have matched.
        if (isOverdue && !unfinished.IsAny && flow.Secondary.Tail == secondary)
        {
            comparers.Remove(ref flow, secondary);
            Verdict verdict = new(VerdictKind.Divergence, DivergenceReason.Fragment, 0, secondary, 0);
            lifecycle.Diverge(ref flow, in verdict, nowNs);
            disposition.DropSecondary(secondary, DropReason.SecondaryFragment);
        }
    }

    /// <summary>
    /// Whether a frame may be held. A TCP segment without payload is processed at once and not held, so a full queue must not
    /// drop it.
    /// </summary>
    private static bool MayBeHeld(in FrameLayout layout) => layout.Kind != FrameKind.Tcp || layout.PayloadLength != 0;
}
