// SPDX-License-Identifier: GPL-2.0-or-later

using System.Globalization;
using System.IO;
using System.Linq;
using ColoWire.Engine.Checkpoint;
using ColoWire.Ports;
using ColoWire.Ports.Checkpoint;
using NUnit.Framework;
using static ColoWire.Engine.Checkpoint.CheckpointEvent;

namespace ColoWire.Tests.Checkpoint;

[NonParallelizable]
internal sealed class CommandRequesterTests
{
    private const int LongMs = 60_000;

    private string folder = string.Empty;
    private CommandRequester? requester;

    [SetUp]
    public void MakeFolder() => folder = Directory.CreateTempSubdirectory("colowire-").FullName;

    [TearDown]
    public void End()
    {
        requester?.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    [Test]
    public void A_program_that_ends_well_has_made_a_checkpoint_and_knew_what_for()
    {
        Probe probe = Start("env > \"$2\"; echo \"$0 $1\" >> \"$2\"", LongMs, "an", Path.Combine(folder, "out"));
        Assert.That(requester!.IsReady, Is.True);
        probe.Ask();
        probe.Expect(Completed);
        string[] lines = File.ReadAllLines(Path.Combine(folder, "out"));
        Assert.That(lines, Has.One.EqualTo("COLOWIRE_REASON=told payload"));
        Assert.That(lines, Has.One.EqualTo("COLOWIRE_FLOW=the flow").And.One.EqualTo("COLOWIRE_EPOCH=7").And.One.EqualTo("COLOWIRE_OFFSET=42"));
        Assert.That(lines, Has.One.EqualTo("COLOWIRE_PRIMARY_FRAME=0").And.One.EqualTo("COLOWIRE_SECONDARY_FRAME=0"));
        Assert.That(lines, Has.One.StartsWith("PATH="), "and what ColoWire's own environment says");
        Assert.That(lines[^1], Is.EqualTo($"{Path.Combine(folder, "program")} an"));
        Assert.That(requester.Counts, Has.Property("Requests").EqualTo(1).And.Property("Completed").EqualTo(1).And.Property("LastNs").Positive);
    }

    [TestCase("echo first >&2; echo '  the hypervisor is gone ' >&2; echo >&2; exit 3", "' has ended with exit code 3: the hypervisor is gone")]
    [TestCase("exit 1", "' has ended with exit code 1")]
    [TestCase("printf 'no end of line' >&2; exit 255", "' has ended with exit code 255: no end of line")]
    [TestCase("kill -TERM $$", "' was ended by signal 15")]
    [TestCase("exec 2>&-; exit 4", "' has ended with exit code 4")]
    public void A_program_that_does_not_end_well_has_failed(string script, string end)
    {
        Probe probe = Start(script, LongMs);
        probe.Ask();
        probe.Expect(Failed);
        Assert.That(requester!.Trouble, Is.EqualTo("'/bin/sh" + end));
        Assert.That(requester.IsReady, Is.True, "it may do better next time");
    }

    [Test]
    public void A_program_that_takes_too_long_is_killed_with_all_that_it_has_started()
    {
        Probe probe = Start($"sleep 1000 & echo $! > {folder}/child; echo waiting >&2; wait", 300);
        probe.Ask();
        probe.Expect(Failed);
        Assert.That(requester!.Trouble, Does.EndWith("took longer than 300 ms and was killed: waiting"));
        AssertGone("child");
    }

    [Test]
    public void A_program_that_has_closed_its_errors_may_still_take_its_time()
    {
        Probe probe = Start("exec 2>&-; sleep 0.3", LongMs);
        probe.Ask();
        probe.Expect(Completed);
        Assert.That(requester!.Counts.LastNs, Is.GreaterThan(300_000_000));
    }

    [Test]
    public void What_a_program_starts_and_leaves_behind_is_not_waited_for()
    {
        Probe probe = Start($"sleep 1000 & echo $! > {folder}/child; exit 0", LongMs);
        probe.Ask();
        probe.Expect(Completed);
        int child = int.Parse(File.ReadAllText(Path.Combine(folder, "child")), CultureInfo.InvariantCulture);
        Assert.That(Directory.Exists($"/proc/{child}"), Is.True, "it is the operator's own affair");
        System.Diagnostics.Process.GetProcessById(child).Kill();
    }

    [TestCase("setsid sleep 1000 & echo $! > CHILD; wait", TestName = "{m}(a session of its own)")]
    [TestCase("set -m; sleep 1000 & echo $! > CHILD; wait", TestName = "{m}(a group of its own)")]
    [TestCase("(setsid sh -c 'sleep 1000 & echo $! > CHILD' &); sleep 1000", TestName = "{m}(a daemon)")]
    [TestCase("(setsid sh -c 'sleep 1000 & echo $! > CHILD' > /dev/null 2>&1 &); sleep 1000", TestName = "{m}(a daemon that has closed everything)")]
    [TestCase("(setsid sh -c 'trap \"\" TERM HUP INT; echo $$ > CHILD; while :; do sleep 0.01; done' &); sleep 1000", TestName = "{m}(a daemon that starts others)")]
    [TestCase("env -i setsid sh -c 'sleep 1000 & echo $! > CHILD' & sleep 1000", TestName = "{m}(a daemon with an empty environment)")]
    public void A_program_that_takes_too_long_is_killed_with_what_has_left_its_session(string script)
    {
        Probe probe = Start(script.Replace("CHILD", $"{folder}/child", System.StringComparison.Ordinal), 1000);
        probe.Ask();
        probe.Expect(Failed);
        Assert.That(requester!.Trouble, Does.Contain("took longer than 1000 ms and was killed"));
        AssertGone("child");
    }

    [TestCase("exit 0", Completed)]
    [TestCase("exit 3", Failed)]
    public void What_a_program_leaves_behind_is_ended_when_the_programs_time_is_over(string end, CheckpointEvent told)
    {
        Probe probe = Start($"(setsid sh -c 'echo $$ > {folder}/made; mv {folder}/made {folder}/child; exec sleep 1000' &); "
            + $"while [ ! -e {folder}/child ]; do sleep 0.01; done; {end}", 2000);
        probe.Ask();
        probe.Expect(told);
        AssertGone("child");
        probe.Ask();
        probe.Expect(told);
        Assert.That(requester!.Counts.Requests, Is.EqualTo(2), "the requester goes on");
    }

    [Test]
    public void What_a_program_leaves_behind_ends_with_ColoWire()
    {
        Probe probe = Start($"(setsid sh -c 'echo $$ > {folder}/child; exec sleep 1000' &); while [ ! -s {folder}/child ]; do sleep 0.01; done", LongMs);
        probe.Ask();
        probe.Expect(Completed);
        requester!.Dispose();
        AssertGone("child");
    }

    [Test]
    public void A_program_that_stops_itself_holds_nobody_up()
    {
        Probe probe = Start("kill -STOP $$", 300);
        probe.Ask();
        probe.Expect(Failed);
        Assert.That(requester!.Trouble, Does.Contain("took longer than 300 ms"));
    }

    [Test]
    public void A_program_may_write_as_much_as_it_likes()
    {
        Probe probe = Start("head -c 3000000 /dev/zero >&2; head -c 3000000 /dev/zero; echo >&2; yes very long | head -c 5000 | tr -d '\\n' >&2; exit 5", LongMs);
        probe.Ask();
        probe.Expect(Failed);
        Assert.That(requester!.Trouble, Does.Contain("exit code 5: very longvery long").And.Length.LessThan(400));
    }

    [Test]
    public void One_runs_at_a_time_and_what_is_asked_for_meanwhile_is_served_by_it()
    {
        Probe probe = Start($"echo run >> {folder}/runs; while [ ! -e {folder}/go ]; do sleep 0.01; done", LongMs);
        probe.Ask();
        Probe.Until(() => File.Exists(Path.Combine(folder, "runs")), "it runs");
        probe.Ask();
        probe.Ask();
        File.WriteAllText(Path.Combine(folder, "go"), "");
        probe.Expect(Completed);
        probe.Ask();
        probe.Expect(Completed);
        Assert.That(File.ReadAllLines(Path.Combine(folder, "runs")), Has.Length.EqualTo(2));
        Assert.That(requester!.Counts.Requests, Is.EqualTo(2));
    }

    [Test]
    public void A_program_that_has_gone_since_the_start_fails()
    {
        string program = Path.Combine(folder, "program");
        File.Copy("/bin/true", program);
        requester = new CommandRequester("command:test", [program], LongMs, Speak);
        requester.Start();
        File.Delete(program);
        Probe probe = new(requester);
        probe.Ask();
        probe.Expect(Failed);
        Assert.That(requester.Trouble, Is.EqualTo($"'{program}' cannot be started: No such file or directory"));
    }

    [Test]
    public void A_program_that_runs_ends_with_ColoWire()
    {
        Probe probe = Start($"echo $$ > {folder}/made; mv {folder}/made {folder}/child; sleep 1000", LongMs);
        probe.Ask();
        Probe.Until(() => File.Exists(Path.Combine(folder, "child")), "it runs");
        requester!.Dispose();
        AssertGone("child");
    }

    [Test]
    public void A_name_is_looked_for_where_PATH_says()
    {
        using CommandRequester truth = new("command:true", ["true"], LongMs, Speak);
        truth.Start();
        Probe probe = new(truth);
        probe.Ask();
        probe.Expect(Completed);
    }

    [TestCase("/nonexistent/program", "'/nonexistent/program' is no program: a path, or a name that PATH finds, is needed")]
    [TestCase("no-such-program-anywhere", "'no-such-program-anywhere' is no program: a path, or a name that PATH finds, is needed")]
    [TestCase("/etc", "'/etc' is no program: a path, or a name that PATH finds, is needed")]
    [TestCase("/etc/passwd", "'/etc/passwd' is not executable: chmod +x it, or name another program")]
    public void What_is_no_program_is_refused_at_the_start(string program, string message)
    {
        PortException refusal = Assert.Throws<PortException>(() => new CommandRequester("c", [program], LongMs, Speak).Dispose())!;
        Assert.That(refusal.Message, Is.EqualTo(message));
    }

    private static CauseWords Speak(in CheckpointReport cause) =>
        new($"told {cause.Divergence.Reason}".ToLowerInvariant(), "the flow");

    private void AssertGone(string file)
    {
        string stat = $"/proc/{File.ReadAllText(Path.Combine(folder, file)).Trim()}/stat";
        Probe.Until(() => State(stat) is 'Z' or 'X', "it is dead");
    }

    private static char State(string stat)
    {
        try
        {
            return File.ReadAllText(stat).Split(") ").Last()[0];
        }
        catch (IOException)
        {
            return 'X';
        }
    }

    private Probe Start(string script, int timeoutMs, params string[] arguments)
    {
        string program = Path.Combine(folder, "program");
        File.WriteAllText(program, script);
        requester = new CommandRequester("command:test", ["/bin/sh", program, .. arguments], timeoutMs, Speak);
        requester.Start();
        return new Probe(requester);
    }
}
