// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;
using ColoWire.Control;
using ColoWire.Hosting;
using ColoWire.Reports;
using ColoWire.Tests.Program;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using NUnit.Framework;

namespace ColoWire.Tests.Control;

/// <summary>Each order through a real socket, and what becomes of the frames.</summary>
[NonParallelizable]
internal sealed class OrderTests
{
    [Test]
    public void Status_is_the_snapshot_with_mode_requester_ports_uptime_and_version()
    {
        using ControlRig rig = new();
        rig.Primary.Say(ControlRig.Datagram("one", 1));
        rig.WaitUntilHeld(1, 0);
        (bool done, JsonElement answer) = rig.Order("status");
        Assert.That(done, Is.True);
        Assert.That(answer.GetProperty("mode").GetString(), Is.EqualTo("lockstep"));
        Assert.That(answer.GetProperty("requester").GetProperty("name").GetString(), Is.EqualTo("none"));
        Assert.That(answer.GetProperty("protection").GetString(), Is.EqualTo("in_step"));
        Assert.That(answer.GetProperty("ports").GetProperty("primary_in").GetString(), Is.EqualTo("staged:primary"));
        Assert.That(answer.GetProperty("ports").GetProperty("outdev").GetString(), Is.EqualTo("staged:out"));
        Assert.That(answer.GetProperty("version").GetString(), Does.Match(@"^\d+\.\d+\.\d+$"));
        Assert.That(answer.GetProperty("uptime_s").GetInt64(), Is.InRange(0, 20));
        Assert.That(answer.GetProperty("held").GetInt64(), Is.EqualTo(1));
        using StringWriter text = new(CultureInfo.InvariantCulture);
        text.Write(SnapshotText.Json(SnapshotReader.Of(rig.Appliance)));
        string[] names = [.. JsonDocument.Parse(text.ToString()).RootElement.EnumerateObject().Select(member => member.Name)];
        Assert.That(
            names, Is.SubsetOf(answer.EnumerateObject().Select(member => member.Name)), "what --json prints is all there");
    }

    [Test]
    public void Status_for_people_is_a_table()
    {
        using ControlRig rig = new();
        rig.Primary.Say(ControlRig.Datagram("one", 1));
        rig.Secondary.Say(ControlRig.Datagram("two", 2));
        rig.WaitUntilHeld(1, 1);
        rig.Order("flush");
        using StringWriter text = new(CultureInfo.InvariantCulture);
        StatusText.Write(text, rig.Order("status").Answer.Deserialize(ReportJson.Default.ApplianceSnapshot), 120);
        string table = text.ToString();
        Assert.That(table, Does.Match(@"│ protection +│ in_step +│"));
        Assert.That(table, Does.Match(@"│ primary_in +│ staged:primary: 1 frames, 0 not captured +│"));
        Assert.That(table, Does.Match(@"│ released +│ 0 verified, 0 passed, 1 unverified +│"));
        Assert.That(table, Does.Match(@"│ requester +│ none +│"));
        Assert.That(table, Does.Match(@"│ unverified +│ 1 order +│"));
        Assert.That(table, Does.Match(@"│ checkpoints +│ 0 asked for, 0 finished +│"));
    }

    [Test]
    public void Scenario_84_to_the_secondary_drops_what_is_held_and_lets_the_secondarys_flow_out()
    {
        using ControlRig rig = new();
        rig.Primary.Say(ControlRig.Datagram("held 1", 1));
        rig.Primary.Say(ControlRig.Datagram("held 2", 1));
        rig.Secondary.Say(ControlRig.Datagram("first of the secondary", 2));
        rig.WaitUntilHeld(2, 1);
        (bool done, JsonElement answer) = rig.Order("failover secondary");
        Assert.That(done, Is.True);
        Assert.That(answer.GetProperty("protection").GetString(), Is.EqualTo("secondary_alone"));
        Assert.That(answer.GetProperty("dropped").GetInt64(), Is.EqualTo(2));
        Assert.That(answer.GetProperty("secondary_released").GetInt64(), Is.EqualTo(1));
        Assert.That(answer.GetProperty("message").GetString(),
            Is.EqualTo(
                "the secondary goes on alone, for good: 2 frames of the primary were dropped, 1 of the secondary have left"));
        rig.Primary.Say(ControlRig.Datagram("late", 1));
        rig.Secondary.Say(ControlRig.Datagram("second of the secondary", 2));
        ControlRig.WaitUntil(() => rig.Output.Left.Length == 2);
        Assert.That(rig.Output.Left, Is.EqualTo(new[] { "first of the secondary", "second of the secondary" }));
        ControlRig.WaitUntil(() => SnapshotReader.Of(rig.Appliance).Drops.Contains(new("primary_failover", 3)));
    }

    [Test]
    public void Scenario_84_to_the_primary_flushes_and_then_bypasses()
    {
        using ControlRig rig = new();
        rig.Primary.Say(ControlRig.Datagram("held 1", 1));
        rig.Primary.Say(ControlRig.Datagram("held 2", 1));
        rig.Secondary.Say(ControlRig.Datagram("first of the secondary", 2));
        rig.WaitUntilHeld(2, 1);
        (bool done, JsonElement answer) = rig.Order("failover primary");
        Assert.That(done, Is.True);
        Assert.That(answer.GetProperty("protection").GetString(), Is.EqualTo("primary_alone"));
        Assert.That(answer.GetProperty("released").GetInt64(), Is.EqualTo(2));
        Assert.That(answer.GetProperty("dropped").GetInt64(), Is.Zero);
        rig.Primary.Say(ControlRig.Datagram("next", 1));
        ControlRig.WaitUntil(() => rig.Output.Left.Length == 3);
        Assert.That(rig.Output.Left, Is.EqualTo(new[] { "held 1", "held 2", "next" }));
    }

    [TestCase("primary", "secondary")]
    [TestCase("secondary", "primary")]
    public void A_failover_can_be_ordered_again_and_not_the_other_way_round(string side, string other)
    {
        using ControlRig rig = new(new StagedRequester(makes: true));
        Assert.That(rig.Order($"failover {side}").Answer.GetProperty("changed").GetBoolean(), Is.True);
        (bool again, JsonElement same) = rig.Order($"failover {side}");
        Assert.That(again, Is.True);
        Assert.That(same.GetProperty("changed").GetBoolean(), Is.False);
        Assert.That(same.GetProperty("message").GetString(), Is.EqualTo($"the {side} goes on alone already"));
        foreach (string refused in (string[])[$"failover {other}", "checkpoint", "mode observe", "mode lockstep"])
        {
            (bool done, JsonElement answer) = rig.Order(refused);
            Assert.That(done, Is.False, refused);
            Assert.That(answer.GetProperty("error").GetString(), Does.StartWith($"the {side} goes on alone, for good: "));
        }

        Assert.That(rig.Order("status").Answer.GetProperty("protection").GetString(), Is.EqualTo($"{side}_alone"));
    }

    [Test]
    public void A_flush_says_how_many_frames_it_let_out()
    {
        using ControlRig rig = new();
        for (ushort connection = 1; connection <= 5; connection++)
        {
            rig.Primary.Say(ControlRig.Datagram($"{connection}", connection));
        }

        rig.WaitUntilHeld(5, 0);
        (bool done, JsonElement answer) = rig.Order("flush");
        Assert.That(done, Is.True);
        Assert.That(answer.GetProperty("released").GetInt64(), Is.EqualTo(5));
        ControlRig.WaitUntil(() => rig.Output.Left.Length == 5);
        Assert.That(rig.Order("flush").Answer.GetProperty("message").GetString(), Is.EqualTo("0 frames were let out unverified"));
    }

    [Test]
    public void The_mode_changes_while_frames_flow()
    {
        using ControlRig rig = new();
        Assert.That(
            rig.Order("mode lockstep").Answer.GetProperty("message").GetString(), Is.EqualTo("the mode is lockstep already"));
        rig.Primary.Say(ControlRig.Datagram("held", 1));
        rig.WaitUntilHeld(1, 0);
        (bool done, JsonElement answer) = rig.Order("mode observe");
        Assert.That(done, Is.True);
        Assert.That(answer.GetProperty("mode").GetString(), Is.EqualTo("observe"));
        Assert.That(answer.GetProperty("earlier").GetString(), Is.EqualTo("lockstep"));
        Assert.That(answer.GetProperty("released").GetInt64(), Is.EqualTo(1));
        rig.Primary.Say(ControlRig.Datagram("observed", 2));
        ControlRig.WaitUntil(() => rig.Output.Left.Length == 2);
        Assert.That(rig.Order("status").Answer.GetProperty("mode").GetString(), Is.EqualTo("observe"));
        rig.Order("mode lockstep");
        rig.Primary.Say(ControlRig.Datagram("held again", 3));
        rig.WaitUntilHeld(1, 0);
        Assert.That(rig.Output.Left, Is.EqualTo(new[] { "held", "observed" }));
    }

    [Test]
    public void A_checkpoint_is_answered_when_it_has_finished()
    {
        StagedRequester requester = new(makes: true);
        using ControlRig rig = new(requester);
        rig.Primary.Say(ControlRig.Datagram("held", 1));
        rig.WaitUntilHeld(1, 0);
        (bool done, JsonElement answer) = rig.Order("checkpoint");
        Assert.That(done, Is.True);
        Assert.That(answer.GetProperty("epoch").GetInt64(), Is.EqualTo(1));
        Assert.That(answer.GetProperty("took_ns").GetInt64(), Is.Positive);
        Assert.That(answer.GetProperty("message").GetString(), Does.StartWith("a checkpoint has finished after "));
        Assert.That(requester.Asked, Is.EqualTo(1));
        ControlRig.WaitUntil(() => rig.Output.Left.Length == 1);
        Assert.That(rig.Order("status").Answer.GetProperty("checkpoints_completed").GetInt64(), Is.EqualTo(1));
    }

    [Test]
    public void Where_nobody_makes_checkpoints_none_is_waited_for()
    {
        using ControlRig rig = new();
        (bool done, JsonElement answer) = rig.Order("checkpoint");
        Assert.That(done, Is.False);
        Assert.That(answer.GetProperty("error").GetString(), Does.StartWith("the requester is none: nobody makes checkpoints"));
    }

    [Test]
    public void While_the_mode_is_observe_no_checkpoint_is_asked_for()
    {
        StagedRequester requester = new(makes: true);
        using ControlRig rig = new(requester);
        rig.Order("mode observe");
        (bool done, JsonElement answer) = rig.Order("checkpoint");
        Assert.That(done, Is.False);
        Assert.That(answer.GetProperty("error").GetString(), Does.StartWith("the mode is observe"));
        Assert.That(requester.Asked, Is.Zero);
    }

    [Test]
    public async Task A_checkpoint_that_does_not_finish_in_time_is_told()
    {
        using ControlRig rig = new(new StagedRequester(makes: false));
        FakeTimeProvider time = new();
        using ApplianceControl control = new(rig.Appliance, NullLogger<ApplianceControl>.Instance, time);
        Task<ControlAnswer> answer = control.CarryOutAsync(ControlRig.Find("checkpoint"), CancellationToken.None);
        for (TimeSpan waited = default; waited <= ApplianceControl.CheckpointPatience; waited += TimeSpan.FromSeconds(1))
        {
            Assert.That(answer.IsCompleted, Is.False);
            time.Advance(TimeSpan.FromSeconds(1));
        }

        ControlRig.WaitUntil(() =>
        {
            // The order looks again when its timer has been set and has run out.
            time.Advance(TimeSpan.FromMilliseconds(1));
            return answer.IsCompleted;
        });
        Assert.That((await answer).Status, Is.EqualTo(408));
        Assert.That(
            (await answer).Text,
            Is.EqualTo(
                "no checkpoint has finished within 10 s; it stays asked for (requester command:staged, protection in_step)"));
    }

    [Test]
    public async Task An_order_that_waits_for_a_checkpoint_holds_up_no_other_and_is_answered_by_it()
    {
        StagedRequester requester = new(makes: false);
        using ControlRig rig = new(requester);
        Task<(bool Done, JsonElement Answer)> waiting = Task.Run(() => rig.Order("checkpoint"));
        ControlRig.WaitUntil(() => requester.Asked == 1);
        rig.Order("flush");
        Assert.That((rig.Appliance.Path.Guest.Epoch, rig.Appliance.Path.Gate.Completed), Is.EqualTo((1, 0)),
            "the flush has begun an epoch");
        Assert.That(waiting.IsCompleted, Is.False, "an epoch that a flush began is no checkpoint");
        Assert.That(rig.Order("failover primary").Done, Is.True);
        (bool done, JsonElement answer) = await waiting.WaitAsync(ControlRig.Patience);
        Assert.That(done, Is.False);
        Assert.That(answer.GetProperty("error").GetString(), Does.StartWith("the primary goes on alone"));
    }

    [Test]
    public async Task A_stop_answers_who_waits_and_leaves_no_path()
    {
        StagedRequester requester = new(makes: false);
        using ControlRig rig = new(requester);
        Task<(bool Done, JsonElement Answer)> waiting = Task.Run(() => rig.Order("checkpoint"));
        ControlRig.WaitUntil(() => requester.Asked == 1);
        rig.StopServer();
        (bool done, JsonElement answer) = await waiting.WaitAsync(ControlRig.Patience);
        Assert.That(done, Is.False);
        Assert.That(answer.GetProperty("error").GetString(), Does.StartWith("ColoWire stops"));
        Assert.That(File.Exists(rig.Path), Is.False);
    }

    [Test]
    public void An_appliance_whose_thread_hangs_answers_that_it_does()
    {
        using ControlRig rig = new();
        rig.Appliance.Stop(ControlRig.Patience);
        (bool done, JsonElement answer) = rig.Order("flush");
        Assert.That(done, Is.False);
        Assert.That(answer.GetProperty("error").GetString(), Does.StartWith("a thread of the appliance makes no progress"));
    }

    [Test]
    public void Two_instances_are_ordered_about_each_by_its_own_socket()
    {
        using ControlRig one = new();
        using ControlRig other = new();
        one.Order("failover primary");
        Assert.That(one.Order("status").Answer.GetProperty("protection").GetString(), Is.EqualTo("primary_alone"));
        Assert.That(other.Order("status").Answer.GetProperty("protection").GetString(), Is.EqualTo("in_step"));
    }
}
