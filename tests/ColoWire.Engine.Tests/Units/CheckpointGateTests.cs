// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Tests.Bench;
using ColoWire.Tests.Shared;
using NUnit.Framework;
using static ColoWire.Engine.Tests.Units.CheckpointGateTests.Happening;
using static ColoWire.Engine.Tests.Units.CheckpointGateTests.Standing;

namespace ColoWire.Engine.Tests.Units;

/// <summary>The phases of the gate: where it stands, what happens, and what comes of it. Whatever a row does not name has not
/// changed.</summary>
public sealed class CheckpointGateTests
{
    /// <summary>Where the gate stands.</summary>
    public enum Standing
    {
        Idle,
        Requested,
        Stopped,
        StoppedAsked,
        Settled,
        SettledAsked,
        ObservingIdle,
        ObservingStopped,
        ObservingSettled,
    }

    /// <summary>What happens.</summary>
    public enum Happening
    {
        Differs,
        Begins,
        MillisecondPasses,
        Completes,
        Fails,
        LosesSecondary,
        RequesterIsAway,
        StopIsOverdue,
        FlushOrdered,
        CheckpointOrdered,
        OtherModeOrdered,
        FramesGoPast,
        LinkIsLost,
        LinkIsBack,
    }

    private static readonly Happening[] All = Enum.GetValues<Happening>();

    private static readonly Row[] Rows =
    [
        new(Idle, Differs, "Requested, asks for Divergence, requests +1, tells Divergence"),
        new(Requested, Differs, "Requested, tells Divergence"),
        new(Stopped, Differs, "Stopped, tells Divergence"),
        new(StoppedAsked, Differs, "Stopped, tells Divergence"),
        new(Settled, Differs, "Settled, tells Divergence"),
        new(SettledAsked, Differs, "Settled, tells Divergence"),
        new(ObservingIdle, Differs, "Idle, requests +1, tells Divergence"),
        new(ObservingStopped, Differs, "Stopped, tells Divergence"),
        new(ObservingSettled, Differs, "Settled, tells Divergence"),

        new(Idle, Begins, "Stopped"),
        new(Requested, Begins, "Stopped"),
        new(Stopped, Begins, "Stopped"),
        new(StoppedAsked, Begins, "Stopped"),
        new(Settled, Begins, "Settled"),
        new(SettledAsked, Begins, "Settled"),
        new(ObservingIdle, Begins, "Stopped"),
        new(ObservingStopped, Begins, "Stopped"),
        new(ObservingSettled, Begins, "Settled"),

        new(Idle, MillisecondPasses, "Idle"),
        new(Requested, MillisecondPasses, "Requested"),
        new(Stopped, MillisecondPasses, "Settled, captured +1"),
        new(StoppedAsked, MillisecondPasses, "Settled, captured +1"),
        new(Settled, MillisecondPasses, "Settled"),
        new(SettledAsked, MillisecondPasses, "Settled"),
        new(ObservingIdle, MillisecondPasses, "Idle"),
        new(ObservingStopped, MillisecondPasses, "Settled, captured +1"),
        new(ObservingSettled, MillisecondPasses, "Settled"),

        new(Idle, Completes, "Idle, epoch +1, captured +1, flushes for Checkpoint"),
        new(Requested, Completes, "Idle, epoch +1, captured +1, flushes for Checkpoint"),
        new(Stopped, Completes, "Idle, epoch +1, captured +1, flushes for Checkpoint"),
        new(StoppedAsked, Completes, "Idle, epoch +1, captured +1, flushes for Checkpoint"),
        new(Settled, Completes, "Idle, epoch +1, flushes for Checkpoint"),
        new(SettledAsked, Completes, "Idle, epoch +1, flushes for Checkpoint"),
        new(ObservingIdle, Completes, "Idle, epoch +1, captured +1, flushes for Checkpoint"),
        new(ObservingStopped, Completes, "Idle, epoch +1, captured +1, flushes for Checkpoint"),
        new(ObservingSettled, Completes, "Idle, epoch +1, flushes for Checkpoint"),

        new(Idle, Fails, "Idle"),
        new(Requested, Fails, "Requested"),
        new(Stopped, Fails, "Requested, asks for BrokenCheckpoint, requests +1, tells BrokenCheckpoint"),
        new(StoppedAsked, Fails, "Requested, asks for BrokenCheckpoint, requests +1, tells BrokenCheckpoint"),
        new(Settled, Fails, "Requested, asks for BrokenCheckpoint, requests +1, tells BrokenCheckpoint"),
        new(SettledAsked, Fails, "Requested, asks for BrokenCheckpoint, requests +1, tells BrokenCheckpoint"),
        new(ObservingIdle, Fails, "Idle"),
        new(ObservingStopped, Fails, "Idle, requests +1, tells BrokenCheckpoint"),
        new(ObservingSettled, Fails, "Idle, requests +1, tells BrokenCheckpoint, epoch +1"),

        new(Idle, LosesSecondary, "Requested, asks for SecondaryLink, requests +1, tells SecondaryLink, DegradedNoSecondary"),
        new(Requested, LosesSecondary, "Requested, tells SecondaryLink, DegradedNoSecondary"),
        new(Stopped, LosesSecondary, "Requested, asks for SecondaryLink, requests +1, tells SecondaryLink, DegradedNoSecondary"),
        new(StoppedAsked, LosesSecondary, "Requested, tells SecondaryLink, DegradedNoSecondary"),
        new(Settled, LosesSecondary, "Requested, asks for SecondaryLink, requests +1, tells SecondaryLink, DegradedNoSecondary"),
        new(SettledAsked, LosesSecondary, "Requested, tells SecondaryLink, DegradedNoSecondary"),
        new(ObservingIdle, LosesSecondary, "Idle, requests +1, tells SecondaryLink, DegradedNoSecondary"),
        new(ObservingStopped, LosesSecondary, "Idle, requests +1, tells SecondaryLink, DegradedNoSecondary"),
        new(ObservingSettled, LosesSecondary, "Idle, requests +1, tells SecondaryLink, epoch +1, DegradedNoSecondary"),

        new(Idle, RequesterIsAway, "Idle, DegradedNoCheckpoints"),
        new(Requested, RequesterIsAway, "Requested, DegradedNoCheckpoints"),
        new(Stopped, RequesterIsAway, "Requested, requests +1, tells BrokenCheckpoint, DegradedNoCheckpoints"),
        new(StoppedAsked, RequesterIsAway, "Requested, requests +1, tells BrokenCheckpoint, DegradedNoCheckpoints"),
        new(Settled, RequesterIsAway, "Requested, requests +1, tells BrokenCheckpoint, epoch +1, DegradedNoCheckpoints"),
        new(SettledAsked, RequesterIsAway, "Requested, requests +1, tells BrokenCheckpoint, epoch +1, DegradedNoCheckpoints"),
        new(ObservingIdle, RequesterIsAway, "Idle, DegradedNoCheckpoints"),
        new(ObservingStopped, RequesterIsAway, "Idle, requests +1, tells BrokenCheckpoint, DegradedNoCheckpoints"),
        new(ObservingSettled, RequesterIsAway, "Idle, requests +1, tells BrokenCheckpoint, epoch +1, DegradedNoCheckpoints"),

        new(Idle, StopIsOverdue, "Idle"),
        new(Requested, StopIsOverdue, "Requested, asks for Divergence"),
        new(Stopped, StopIsOverdue,
            "Requested, asks for BrokenCheckpoint, requests +1, tells BrokenCheckpoint, epoch +1, captured +1, "
            + "DegradedNoCheckpoints"),
        new(StoppedAsked, StopIsOverdue,
            "Requested, asks for BrokenCheckpoint, requests +1, tells BrokenCheckpoint, epoch +1, captured +1, "
            + "DegradedNoCheckpoints"),
        new(Settled, StopIsOverdue,
            "Requested, asks for BrokenCheckpoint, requests +1, tells BrokenCheckpoint, epoch +1, DegradedNoCheckpoints"),
        new(SettledAsked, StopIsOverdue,
            "Requested, asks for BrokenCheckpoint, requests +1, tells BrokenCheckpoint, epoch +1, DegradedNoCheckpoints"),
        new(ObservingIdle, StopIsOverdue, "Idle"),
        new(ObservingStopped, StopIsOverdue,
            "Idle, requests +1, tells BrokenCheckpoint, epoch +1, captured +1, DegradedNoCheckpoints"),
        new(ObservingSettled, StopIsOverdue, "Idle, requests +1, tells BrokenCheckpoint, epoch +1, DegradedNoCheckpoints"),

        new(Idle, FlushOrdered, "Idle, epoch +1, captured +1, flushes for Order, fresh"),
        new(Requested, FlushOrdered, "Requested, epoch +1, captured +1, flushes for Order, fresh"),
        new(Stopped, FlushOrdered, "Stopped"),
        new(StoppedAsked, FlushOrdered, "Stopped"),
        new(Settled, FlushOrdered, "Settled"),
        new(SettledAsked, FlushOrdered, "Settled"),
        new(ObservingIdle, FlushOrdered, "Idle, epoch +1, captured +1, flushes for Order, fresh"),
        new(ObservingStopped, FlushOrdered, "Stopped"),
        new(ObservingSettled, FlushOrdered, "Settled"),

        new(Idle, CheckpointOrdered, "Requested, asks for Order, requests +1, tells Order"),
        new(Requested, CheckpointOrdered, "Requested, tells Order"),
        new(Stopped, CheckpointOrdered, "Stopped, tells Order"),
        new(StoppedAsked, CheckpointOrdered, "Stopped, tells Order"),
        new(Settled, CheckpointOrdered, "Settled, tells Order"),
        new(SettledAsked, CheckpointOrdered, "Settled, tells Order"),
        new(ObservingIdle, CheckpointOrdered, "Idle"),
        new(ObservingStopped, CheckpointOrdered, "Stopped"),
        new(ObservingSettled, CheckpointOrdered, "Settled"),

        new(Idle, OtherModeOrdered, "Idle, epoch +1, captured +1, flushes for Order, fresh"),
        new(Requested, OtherModeOrdered, "Idle, epoch +1, captured +1, flushes for Order, fresh"),
        new(Stopped, OtherModeOrdered, "Idle, epoch +1, captured +1, flushes for Order, fresh"),
        new(StoppedAsked, OtherModeOrdered, "Idle, epoch +1, captured +1, flushes for Order, fresh"),
        new(Settled, OtherModeOrdered, "Idle, epoch +2, captured +1, flushes for Order, fresh"),
        new(SettledAsked, OtherModeOrdered, "Idle, epoch +2, captured +1, flushes for Order, fresh"),
        new(ObservingIdle, OtherModeOrdered,
            "Requested, asks for Order, requests +1, tells Order, epoch +1, captured +1, flushes for Order, fresh"),
        new(ObservingStopped, OtherModeOrdered,
            "Requested, asks for Order, requests +1, tells Order, epoch +1, captured +1, flushes for Order, fresh"),
        new(ObservingSettled, OtherModeOrdered,
            "Requested, asks for Order, requests +1, tells Order, epoch +2, captured +1, flushes for Order, fresh"),

        new(Idle, FramesGoPast, "Requested, asks for Absence, requests +1, tells Absence, bypasses +1"),
        new(Requested, FramesGoPast, "Requested, tells Absence, bypasses +1"),
        new(Stopped, FramesGoPast, "Stopped, tells Absence, bypasses +1"),
        new(StoppedAsked, FramesGoPast, "Stopped, tells Absence, bypasses +1"),
        new(Settled, FramesGoPast, "Settled, tells Absence, bypasses +1"),
        new(SettledAsked, FramesGoPast, "Settled, tells Absence, bypasses +1"),
        new(ObservingIdle, FramesGoPast, "Idle, requests +1, tells Absence, epoch +1, captured +1, flushes for Unseen, fresh"),
        new(ObservingStopped, FramesGoPast, "Idle, tells Absence, epoch +1, captured +1, flushes for Unseen, fresh"),
        new(ObservingSettled, FramesGoPast, "Idle, tells Absence, epoch +2, captured +1, flushes for Unseen, fresh"),

        new(Idle, LinkIsLost, "Requested, asks for SecondaryLink, requests +1, tells SecondaryLink, DegradedNoSecondary"),
        new(Requested, LinkIsLost, "Requested, tells SecondaryLink, DegradedNoSecondary"),
        new(Stopped, LinkIsLost, "Stopped, tells SecondaryLink, DegradedNoSecondary"),
        new(StoppedAsked, LinkIsLost, "Stopped, tells SecondaryLink, DegradedNoSecondary"),
        new(Settled, LinkIsLost, "Settled, tells SecondaryLink, DegradedNoSecondary"),
        new(SettledAsked, LinkIsLost, "Settled, tells SecondaryLink, DegradedNoSecondary"),
        new(ObservingIdle, LinkIsLost, "Idle, requests +1, tells SecondaryLink, DegradedNoSecondary"),
        new(ObservingStopped, LinkIsLost, "Stopped, tells SecondaryLink, DegradedNoSecondary"),
        new(ObservingSettled, LinkIsLost, "Settled, tells SecondaryLink, DegradedNoSecondary"),

        new(Idle, LinkIsBack, "Requested, asks for SecondaryLink, requests +1, tells SecondaryLink"),
        new(Requested, LinkIsBack, "Requested"),
        new(Stopped, LinkIsBack, "Stopped, tells SecondaryLink"),
        new(StoppedAsked, LinkIsBack, "Stopped"),
        new(Settled, LinkIsBack, "Settled, tells SecondaryLink, returning"),
        new(SettledAsked, LinkIsBack, "Settled, returning"),
        new(ObservingIdle, LinkIsBack, "Idle, epoch +1, captured +1, flushes for SecondaryLost, fresh, InStep"),
        new(ObservingStopped, LinkIsBack, "Idle, epoch +1, captured +1, flushes for SecondaryLost, fresh, InStep"),
        new(ObservingSettled, LinkIsBack, "Idle, epoch +2, captured +1, flushes for SecondaryLost, fresh, InStep"),
    ];

    /// <summary>The events that cannot come in a phase: what makes them is watched in other phases only.</summary>
    private static readonly (CheckpointPhase From, PhaseEvent Happened, bool IsAsked)[] Forbidden =
    [
        (CheckpointPhase.Idle, PhaseEvent.StopSettled, false), (CheckpointPhase.Requested, PhaseEvent.StopSettled, true),
        (CheckpointPhase.Settled, PhaseEvent.StopSettled, false), (CheckpointPhase.Settled, PhaseEvent.StopSettled, true),
        (CheckpointPhase.Idle, PhaseEvent.StopOverdue, false), (CheckpointPhase.Requested, PhaseEvent.StopOverdue, true),
        (CheckpointPhase.Requested, PhaseEvent.SecondaryBack, true), (CheckpointPhase.Stopped, PhaseEvent.SecondaryBack, true),
        (CheckpointPhase.Settled, PhaseEvent.SecondaryBack, true),
    ];

    [TestCaseSource(nameof(Rows))]
    public void What_happens_where_the_gate_stands(Row row) =>
        Assert.That(Outcome(row.From, row.Happens), Is.EqualTo(row.Outcome));

    [Test]
    public void Each_happening_has_a_row_for_each_standing() => Assert.That(
        Rows.Select(row => (row.From, row.Happens)),
        Is.EquivalentTo(Enum.GetValues<Standing>().SelectMany(from => All.Select(happens => (from, happens)))));

    [Test]
    public void Only_what_cannot_happen_is_forbidden_and_it_changes_nothing()
    {
        (CheckpointPhase From, PhaseEvent Happened, bool IsAsked)[] all =
        [
            .. from phase in Enum.GetValues<CheckpointPhase>()
               from happened in Enum.GetValues<PhaseEvent>()
               from isAsked in (bool[])[false, true]
               where phase >= CheckpointPhase.Stopped || isAsked == (phase == CheckpointPhase.Requested)
               select (phase, happened, isAsked),
        ];
        Assert.That(all.Where(met => Of(met).Action == PhaseAction.Forbidden), Is.EquivalentTo(Forbidden));
        Assert.That(Forbidden.Where(met => Of(met).Next != met.From), Is.Empty);

        static PhaseTransition Of((CheckpointPhase From, PhaseEvent Happened, bool IsAsked) met) =>
            PhaseTransition.Of(met.From, met.Happened, met.IsAsked, asks: true);
    }

    [Test]
    public void Nothing_that_happens_allocates_memory([Values] CompareMode mode)
    {
        GateRig rig = new(mode);
        long allocated = Allocation.LeastBytes(() =>
        {
            foreach (Happening happening in All)
            {
                Make(rig, happening);
                rig.Requester.IsReady = true;
            }
        });
        Assert.That(rig.Gate.Completed, Is.GreaterThan(1));
        Assert.That(allocated, Is.Zero);
    }

    private static string Outcome(Standing standing, Happening happening)
    {
        GateRig rig = Stand(standing, isLinkLost: happening == LinkIsBack);
        Assert.That(rig.Gate.Phase, Is.EqualTo(PhaseOf(standing)));
        Seen before = See(rig);
        _ = rig.TakeCauses();
        Make(rig, happening);
        Seen after = See(rig);
        List<string> words = [$"{after.Phase}"];
        if (after.Asked != before.Asked)
        {
            words.Add($"asks for {rig.Requester.LastCause}");
        }

        Add(words, "requests", after.Requests - before.Requests);
        words.AddRange(rig.TakeCauses().Select(cause => $"tells {cause}"));
        Add(words, "epoch", after.Epoch - before.Epoch);
        Add(words, "captured", after.CapturedEpoch - before.CapturedEpoch);
        if (after.Flushed != before.Flushed)
        {
            words.Add($"flushes for {rig.Gate.Guest.EpochReason}{(after.Fresh != before.Fresh ? ", fresh" : "")}");
        }

        Add(words, "bypasses", after.Bypasses - before.Bypasses);
        if (after.Protection != before.Protection)
        {
            words.Add($"{after.Protection}");
        }

        if (after.IsReturning)
        {
            words.Add("returning");
        }

        return string.Join(", ", words);
    }

    private static void Add(List<string> words, string word, long difference)
    {
        if (difference != 0)
        {
            words.Add($"{word} +{difference}");
        }
    }

    private static GateRig Stand(Standing standing, bool isLinkLost)
    {
        GateRig rig = new(standing >= ObservingIdle ? CompareMode.Observe : CompareMode.Lockstep);
        if (isLinkLost)
        {
            rig.SetLink(false);
            rig.Tell(CheckpointEvent.Completed);
        }

        if (standing is Requested or StoppedAsked or SettledAsked)
        {
            rig.Differ();
        }

        if (standing is not (Idle or Requested or ObservingIdle))
        {
            rig.Tell(CheckpointEvent.Began);
        }

        if (standing is Settled or SettledAsked or ObservingSettled)
        {
            rig.Wait(1);
        }

        return rig;
    }

    private static CheckpointPhase PhaseOf(Standing standing) => standing switch
    {
        Idle or ObservingIdle => CheckpointPhase.Idle,
        Requested => CheckpointPhase.Requested,
        Stopped or StoppedAsked or ObservingStopped => CheckpointPhase.Stopped,
        _ => CheckpointPhase.Settled,
    };

    private static void Make(GateRig rig, Happening happening)
    {
        switch (happening)
        {
            case Differs: rig.Differ(); break;
            case Begins: rig.Tell(CheckpointEvent.Began); break;
            case MillisecondPasses: rig.Wait(1); break;
            case Completes: rig.Tell(CheckpointEvent.Completed); break;
            case Fails: rig.Tell(CheckpointEvent.Failed); break;
            case LosesSecondary: rig.Tell(CheckpointEvent.SecondaryLost); break;
            case RequesterIsAway: rig.LeaveRequesterAway(); break;
            case StopIsOverdue: rig.Wait(GateRig.MaxMs); break;
            case FlushOrdered: rig.Gate.OrderFlush(); rig.Poll(); break;
            case CheckpointOrdered: rig.Gate.OrderCheckpoint(); rig.Poll(); break;
            case OtherModeOrdered: rig.OrderOtherMode(); break;
            case FramesGoPast: rig.Gate.NoteBypass(); rig.Poll(); break;
            case LinkIsLost: rig.SetLink(false); break;
            default: rig.SetLink(true); break;
        }
    }

    private static Seen See(GateRig rig)
    {
        GuestState guest = rig.Gate.Guest;
        return new Seen(
            rig.Gate.Phase, rig.Requester.Asked, rig.Gate.Requests, guest.Epoch, guest.CapturedEpoch, guest.FlushedEpoch, guest.FreshEpoch,
            guest.Bypasses, guest.Protection, guest.IsReturning);
    }

    private readonly record struct Seen(
        CheckpointPhase Phase, int Asked, long Requests, uint Epoch, uint CapturedEpoch, uint Flushed, uint Fresh, int Bypasses,
        Protection Protection, bool IsReturning);

    /// <summary>One row of the table.</summary>
    /// <param name="From">Where the gate stands.</param>
    /// <param name="Happens">What happens.</param>
    /// <param name="Outcome">The phase from then on, and what has changed.</param>
    public sealed record Row(Standing From, Happening Happens, string Outcome)
    {
        public override string ToString() => $"{From}, {Happens}";
    }
}
