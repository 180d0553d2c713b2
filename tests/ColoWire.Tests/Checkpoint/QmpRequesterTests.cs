// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Diagnostics;
using System.IO;
using System.Linq;
using ColoWire.Ports.Checkpoint;
using ColoWire.Ports.Linux;
using ColoWire.Ports.Streams;
using ColoWire.Tests.Shared;
using NUnit.Framework;
using static ColoWire.Engine.Checkpoint.CheckpointEvent;
using static ColoWire.Tests.Checkpoint.ScriptedQmp;

namespace ColoWire.Tests.Checkpoint;

[NonParallelizable]
internal sealed class QmpRequesterTests
{
    private string folder = string.Empty;
    private ScriptedQmp qmp = null!;
    private QmpRequester requester = null!;
    private Probe probe = null!;

    [SetUp]
    public void Start()
    {
        folder = Directory.CreateTempSubdirectory("colowire-").FullName;
        qmp = new ScriptedQmp(Place());
        requester = new QmpRequester("qmp:test", new StreamEndpoint(Place(), null, 0, IsServer: false));
        probe = new Probe(requester);
    }

    [TearDown]
    public void End()
    {
        requester.Dispose();
        qmp.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    [Test]
    public void A_request_makes_a_checkpoint()
    {
        StartReady();
        probe.Ask();
        probe.Expect(Began, Completed);
        Assert.That(qmp.Heard, Has.One.Contains("\"arguments\":{\"x-checkpoint-delay\":600000}"));
        Assert.That(requester.Counts,
            Has.Property("Requests").EqualTo(1).And.Property("Completed").EqualTo(1).And.Property("Failed").Zero);
        Assert.That(requester.Counts.LongestNs, Is.GreaterThanOrEqualTo(requester.Counts.LastStopNs).And.Positive);
        Assert.That(requester.Trouble, Is.Null);
    }

    [Test]
    public void A_checkpoint_is_done_when_the_primary_goes_on_and_not_earlier()
    {
        qmp.OnCheckpoint = it => it.Stop("colo");
        StartReady();
        probe.Ask();
        probe.Expect(Began);
        long began = Stopwatch.GetTimestamp();
        probe.ExpectNothing();
        double leastNs = Stopwatch.GetElapsedTime(began).TotalNanoseconds;
        qmp.Resume();
        probe.Expect(Completed);
        Assert.That(requester.Counts.LastStopNs, Is.GreaterThanOrEqualTo((long)leastNs));
    }

    [Test]
    public void A_refused_request_fails_with_what_QEMU_says()
    {
        qmp.CheckpointAnswer = "\"error\": {\"class\": \"GenericError\", \"desc\": \"Invalid\\nparameter\"}";
        qmp.OnCheckpoint = _ => { };
        StartReady();
        probe.Ask();
        probe.Expect(Failed);
        Assert.That(requester.Trouble, Is.EqualTo("QEMU has refused: Invalid parameter"));
        Assert.That(requester.IsReady, Is.True, "the next one may be taken");
        Assert.That(requester.Counts.Failed, Is.EqualTo(1));
    }

    [Test]
    public void Lines_may_come_in_any_pieces()
    {
        qmp.PieceBytes = 1;
        StartReady();
        probe.Ask();
        probe.Expect(Began, Completed);
    }

    [Test]
    public void A_checkpoint_that_nobody_asked_for_counts_when_QEMU_says_that_it_is_one()
    {
        StartReady();
        qmp.Stop("colo");
        probe.Expect(Began);
        qmp.Resume();
        probe.Expect(Completed);
        Assert.That(
            requester.Counts, Has.Property("Requests").Zero.And.Property("LastNs").Zero.And.Property("LastStopNs").Positive);
    }

    [Test]
    public void An_operator_who_stops_the_primary_and_lets_it_go_on_makes_no_checkpoint()
    {
        StartReady();
        qmp.Stop("paused");
        qmp.Resume();
        qmp.Say(Event("STOP") + Event("RESUME"));
        probe.Ask();
        probe.Expect(Began, Completed);
        Assert.That(requester.Counts.Completed, Is.EqualTo(1), "only the one that was asked for");
    }

    [Test]
    public void A_stop_that_is_over_before_QEMU_has_said_why_makes_no_checkpoint()
    {
        qmp.OnCheckpoint = it => it.Say(Event("STOP") + Event("RESUME"));
        StartReady();
        probe.Ask();
        probe.Expect(Began, Failed);
        Assert.That(requester.Trouble, Does.Contain("before it reported why"));
    }

    [Test]
    public void While_an_operator_has_stopped_the_primary_requests_wait()
    {
        StartReady();
        qmp.Stop("paused");
        probe.Ask();
        // While the primary does not run it asks for its status again and again: it has looked at the request by then.
        int heard = qmp.Heard.Count;
        Probe.Until(() => qmp.Heard.Count >= heard + 2, "it has asked for the status twice more");
        Assert.That(qmp.Asked, Is.Zero, "it would make the primary run");
        qmp.Resume();
        probe.Expect(Began, Completed);
        Assert.That(qmp.Asked, Is.EqualTo(1));
    }

    [Test]
    public void An_operator_who_stops_the_primary_while_a_checkpoint_is_asked_for_breaks_it()
    {
        qmp.OnCheckpoint = it => it.Stop("paused");
        StartReady();
        probe.Ask();
        probe.Expect(Began, Failed);
        qmp.Resume();
        qmp.OnCheckpoint = it =>
        {
            it.Stop("colo");
            it.Resume();
        };
        probe.Ask();
        probe.Expect(Began, Completed);
    }

    [Test]
    public void A_connection_that_breaks_within_a_checkpoint_fails_it_and_is_made_again()
    {
        qmp.OnCheckpoint = it =>
        {
            it.Stop("colo");
            it.Status = "running";
            it.Drop();
        };
        StartReady();
        probe.Ask();
        probe.Expect(Began, Failed);
        qmp.OnCheckpoint = ScriptedQmp.MakeCheckpoint;
        probe.UntilReady();
        probe.Ask();
        probe.Expect(Began, Completed);
    }

    [Test]
    public void It_connects_when_QEMU_comes()
    {
        qmp.Dispose();
        requester.Start();
        Probe.Until(() => requester.Trouble?.Contains("cannot connect", StringComparison.Ordinal) == true,
            "it says that it cannot connect");
        Assert.That(requester.Trouble, Does.Contain(Place()));
        qmp = new ScriptedQmp(Place());
        probe.UntilReady();
        Assert.That(requester.Trouble, Is.Null);
    }

    [Test]
    public void A_connection_that_is_lost_is_told_and_made_again()
    {
        StartReady();
        qmp.Dispose();
        probe.UntilLost();
        Assert.That(requester.Trouble, Does.Contain("QEMU has closed the connection").Or.Contain("cannot connect"));
        qmp = new ScriptedQmp(Place());
        probe.UntilReady();
        probe.ExpectNothing();
    }

    [Test]
    public void A_primary_that_is_not_in_COLO_is_not_asked_until_it_is(
        [Values] bool hasReplication, [Values] bool tellsOfMigration)
    {
        qmp.Mode = "none";
        qmp.HasReplication = hasReplication;
        requester.Start();
        probe.Expect(SecondaryLost);
        Assert.That(requester.Trouble, Is.EqualTo("the primary is not in COLO yet"));
        probe.Ask();
        qmp.Mode = "primary";
        if (tellsOfMigration)
        {
            qmp.Say(Event("MIGRATION", "{\"status\": \"colo\"}"));
        }

        probe.UntilReady();
        Assert.That(qmp.Asked, Is.Zero, "the gate asks again");
        probe.Ask();
        probe.Expect(Began, Completed);
        Assert.That(qmp.Asked, Is.EqualTo(1));
    }

    [Test]
    public void A_primary_that_has_left_COLO_is_alone_until_it_has_entered_it_again()
    {
        qmp.OnCheckpoint = it => it.Say(Event("COLO_EXIT", "{\"mode\": \"primary\", \"reason\": \"error\"}"));
        StartReady();
        probe.Ask();
        probe.Expect(SecondaryLost);
        Assert.That(requester.Trouble, Is.EqualTo("the primary has left COLO (reason error)"));
        Assert.That(requester.IsReady, Is.False);
        Assert.That(requester.Counts.Failed, Is.EqualTo(1), "the request came to nothing");

        // As measured: until it is told to go on alone it says that it is in COLO, and makes no checkpoints.
        AskedForColo();
        Assert.That(requester.IsReady, Is.False);
        qmp.Mode = "none";
        AskedForColo();
        qmp.Mode = "primary";
        AskedForColo();
        probe.UntilReady();
        probe.ExpectNothing();
    }

    [Test]
    public void The_secondary_is_not_asked()
    {
        qmp.Mode = "secondary";
        requester.Start();
        Probe.Until(
            () => requester.Trouble?.Contains("the secondary's QEMU", StringComparison.Ordinal) == true, "it says what is wrong");
        qmp.Stop("colo");
        qmp.Resume();
        qmp.Say(Event("COLO_EXIT", "{\"mode\": \"secondary\", \"reason\": \"error\"}"));
        qmp.Mode = "primary";
        AskedForColo();
        probe.UntilReady();
        probe.ExpectNothing();
    }

    [Test]
    public void A_socket_that_serves_somebody_else_is_told()
    {
        qmp.Greets = false;
        requester.Start();
        Probe.Until(
            () => requester.Trouble?.Contains("has sent no greeting", StringComparison.Ordinal) == true, "it says what is wrong");
        Assert.That(requester.IsReady, Is.False);
    }

    [TestCase("this is no JSON\r\n", 1)]
    [TestCase("\r\n[]\r\n7\r\nnull\r\n\"STOP\"\r\n{}\r\n", 6)]
    [TestCase(
        "{\"event\": 7}\r\n{\"event\": \"\\ud800\"}\r\n{\"event\": \"RTC_CHANGE\"}\r\n{\"event\": \"COLO\", \"data\": 1}\r\n", 4)]
    [TestCase("{\"return\": 1, \"id\": 2}\r\n{\"return\": {}}\r\n{\"error\": {}, \"id\": {}}\r\n{\"error\": \"x\"}\r\n", 4)]
    [TestCase(
        "{\"return\": {\"status\": 1}, \"id\": \"status-1\"}\r\n{\"return\": {\"mode\": []}, \"id\": \"query-colo-status\"}\r\n",
        1)]
    [TestCase("\u00ff\u00fe\0\u0001\r\n{\"event\": \"\u00ff\"}\r\n", 2)]
    [TestCase("{\"event\": \"STOP\"\r\n", 1)]
    public void What_means_nothing_is_counted_and_does_no_harm(string garbage, int count)
    {
        StartReady();
        long before = requester.Counts.Ignored;
        qmp.Say(garbage);
        probe.Ask();
        probe.Expect(Began, Completed);
        Assert.That(requester.Counts.Ignored - before, Is.EqualTo(count));
    }

    [TestCase(RequesterLimits.QmpLineBytes)]
    [TestCase((3 * RequesterLimits.QmpLineBytes) + 17)]
    public void A_line_that_is_too_long_is_left_out_whole(int length)
    {
        StartReady();
        qmp.Say(new string('x', length) + Event("STOP") + Event("RESUME"));
        Probe.Until(() => requester.Counts.Ignored == 1, "it was counted");
        probe.Ask();
        probe.Expect(Began, Completed);
        Assert.That(requester.Counts.Completed, Is.EqualTo(1));
    }

    [Test]
    public void An_event_wakes_whoever_sleeps_and_is_gone_when_it_was_taken()
    {
        IdleWait sleeper = new([requester.WaitHandle]);
        StartReady();
        Assert.That(sleeper.Wait(0), Is.False);
        probe.Ask();
        Assert.That(sleeper.Wait((int)Probe.Patience.TotalMilliseconds), Is.True);
        probe.Expect(Began, Completed);
        Assert.That(sleeper.Wait(0), Is.False, "it must not keep a core busy");
    }

    [Test]
    public void To_ask_and_to_look_allocates_nothing()
    {
        StartReady();
        // Stopped, so that requests wait: QEMU is not flooded with them.
        qmp.Stop("paused");
        long bytes = Allocation.LeastBytes(() =>
        {
            for (int i = 0; i < 1000; i++)
            {
                requester.Request(default, i);
                _ = requester.Poll(i);
            }
        });
        Assert.That(bytes, Is.Zero);
        Assert.That(qmp.Asked, Is.Zero);
        qmp.Resume();
        probe.Expect(Began, Completed);

        long deadline = Environment.TickCount64 + (long)Probe.Patience.TotalMilliseconds;
        int events = 0;
        bytes = Allocation.LeastBytes(() =>
        {
            requester.Request(default, 0);
            for (int heard = 0; heard < 2 && Environment.TickCount64 < deadline;)
            {
                heard += requester.Poll(0) == None ? 0 : 1;
                events += heard / 2;
            }
        });
        Assert.That(bytes, Is.Zero);
        Assert.That(events, Is.EqualTo(5), "each request made a checkpoint");
    }

    [Test]
    public void It_ends_whatever_it_waits_for([Values("nobody", "a greeting", "a checkpoint")] string what)
    {
        qmp.OnCheckpoint = _ => { };
        qmp.Greets = what != "a greeting";
        if (what == "nobody")
        {
            qmp.Dispose();
        }

        requester.Start();
        if (what == "a checkpoint")
        {
            probe.UntilReady();
            probe.Ask();
            Probe.Until(() => qmp.Asked == 1, "it was asked");
        }

        Assert.That(Threads(), Is.EqualTo(1));
        requester.Dispose();
        Probe.Until(() => Threads() == 0, "its thread has ended");
    }

    private static int Threads() => Directory.GetDirectories("/proc/self/task").Count(task => Name(task) == "colowire-reques");

    private static string Name(string task)
    {
        try
        {
            return File.ReadAllText(Path.Combine(task, "comm")).Trim();
        }
        catch (IOException)
        {
            // It has ended since.
            return string.Empty;
        }
    }

    private string Place() => Path.Combine(folder, "qmp");

    private void StartReady()
    {
        requester.Start();
        probe.UntilReady();
        // The first thing that is asked once it is ready: the scripts count questions.
        Probe.Until(
            () => qmp.Heard.Any(line => line.Contains("query-status", StringComparison.Ordinal)), "it has asked how it is");
    }

    /// <summary>Has it ask how it stands with COLO, and waits until it has.</summary>
    private void AskedForColo()
    {
        int Asked() => qmp.Heard.Count(line => line.Contains("query-colo-status", StringComparison.Ordinal));
        int before = Asked();
        qmp.Say(Event("MIGRATION", "{\"status\": \"completed\"}"));
        Probe.Until(() => Asked() > before, "it has asked");
        // The answer is heard before the next question is asked.
        before = Asked();
        qmp.Say(Event("MIGRATION", "{\"status\": \"completed\"}"));
        Probe.Until(() => Asked() > before, "it has asked again");
    }
}
