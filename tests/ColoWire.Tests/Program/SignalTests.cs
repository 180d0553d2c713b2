// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Threading;
using ColoWire.Services;
using ColoWire.Tests.Ports;
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using NUnit.Framework;

namespace ColoWire.Tests.Program;

/// <summary>What signals do to an appliance that holds frames.</summary>
[NonParallelizable]
internal sealed class SignalTests
{
    private ScratchFolder folder = null!;

    [SetUp]
    public void MakeCaptures()
    {
        folder = new ScratchFolder();
        TestCapture.Write(folder.File("p"), Enumerable.Range(0, 100).Select(i => (i, TestCapture.Udp($"datagram {i}"))));
        TestCapture.Write(folder.File("s"), [(0, TestCapture.Udp("other", 5)), (3_600_000, TestCapture.Udp("flow", 5))]);
    }

    [TearDown]
    public void RemoveCaptures() => folder.Dispose();

    [TestCase(false, false, false, HangUpMeaning.Stop)]
    [TestCase(false, true, false, HangUpMeaning.Stop)]
    [TestCase(false, false, true, HangUpMeaning.Reload)]
    [TestCase(false, true, true, HangUpMeaning.Stop)]
    [TestCase(true, true, false, HangUpMeaning.None)]
    [TestCase(true, false, true, HangUpMeaning.None)]
    public void A_hang_up_is_a_stop_unless_it_is_ignored_or_a_service_has_no_terminal(
        bool isIgnored, bool hasTerminal, bool isService, object expected)
    {
        Assert.That(StopSignals.HangUp(isIgnored, hasTerminal, isService), Is.EqualTo(expected));
    }

    // Each signal twice: the second changes nothing.
    [TestCase(ShellProgram.HangUp, "SIGHUP: ColoWire stops")]
    [TestCase(ShellProgram.Interrupt, "SIGINT: ColoWire stops")]
    [TestCase(ShellProgram.Quit, "SIGQUIT: ColoWire stops")]
    [TestCase(ShellProgram.Terminate, "SIGTERM: ColoWire stops")]
    public void A_stop_lets_out_what_is_held_and_exits_with_0(int signal, string line)
    {
        using ShellProgram program = StartRun("");
        program.WaitUntilHeld(folder.File("c"), 100);
        program.Signal(signal);
        program.Signal(signal);
        Assert.That(program.Finish().Code, Is.Zero);
        Assert.That(Log(), Does.Contain(line));
        Assert.That(TestCapture.Read(folder.File("out")), Has.Count.EqualTo(100));
    }

    [TestCase(ShellProgram.HangUp, "export SYSTEMD_EXEC_PID=$$; ", "<4>SIGHUP: nothing is read again")]
    [TestCase(ShellProgram.User1, "", "SIGUSR1: ignored; ColoWire does not use this signal")]
    [TestCase(ShellProgram.User2, "", "SIGUSR2: ignored; ColoWire does not use this signal")]
    public void What_is_no_stop_is_a_line_and_the_appliance_goes_on(int signal, string before, string line)
    {
        using ShellProgram program = StartRun(before);
        program.WaitUntilHeld(folder.File("c"), 100);
        program.Signal(signal);
        WaitForLine(program, line);
        program.Signal(ShellProgram.Terminate);
        Assert.That(program.Finish().Code, Is.Zero);
        Assert.That(TestCapture.Read(folder.File("out")), Has.Count.EqualTo(100));
    }

    [Test]
    public void A_hang_up_that_nohup_has_ignored_stays_ignored()
    {
        using ShellProgram program = StartRun("trap '' HUP; ");
        program.WaitUntilHeld(folder.File("c"), 100);
        program.Signal(ShellProgram.HangUp);
        program.Signal(ShellProgram.User1);
        WaitForLine(program, "SIGUSR1");
        program.Signal(ShellProgram.Terminate);
        Assert.That(program.Finish().Code, Is.Zero);
        Assert.That(Log(), Does.Not.Contain("SIGHUP"));
    }

    [Test]
    public void A_stop_that_is_asked_for_during_the_start_begins_when_the_start_is_over()
    {
        FakeTimeProvider time = new();
        StopSignals signals = new(TimeSpan.FromHours(1), () => { }, time);
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.That(signals.Left, Is.EqualTo(TimeSpan.FromHours(1)));
        signals.Stop("SIGTERM");
        Assert.That(signals.IsStopping, Is.True);
        time.Advance(TimeSpan.FromMinutes(2));
        Assert.That(signals.Left, Is.EqualTo(TimeSpan.FromMinutes(58)), "the time of the stop counts from the signal");
        ApplicationLifetime host = new(NullLogger<ApplicationLifetime>.Instance);
        signals.Attach(host, NullLogger.Instance);
        Assert.That(host.ApplicationStopping.IsCancellationRequested, Is.True);
    }

    [Test]
    public void A_stop_that_takes_too_long_ends_the_process_once_however_many_signals_come()
    {
        int ends = 0;
        StopSignals signals = new(TimeSpan.FromMilliseconds(1), () => Interlocked.Increment(ref ends), TimeProvider.System);
        signals.Stop("SIGTERM");
        signals.Stop("SIGINT");
        signals.BeginLimit();
        Assert.That(() => Volatile.Read(ref ends), Is.EqualTo(1).After(20_000, 1));
    }

    [Test]
    public void A_start_that_hangs_ends_five_seconds_after_the_signal()
    {
        // Nobody reads the pipe that it is to write to, and for that it would wait longer.
        Assert.That(ShellProgram.Run($"rm -f {folder.File("out")}; mkfifo {folder.File("out")}").Code, Is.Zero);
        using ShellProgram program = StartRun("");
        program.WaitUntilItTakesSignals();
        long start = Stopwatch.GetTimestamp();
        program.Signal(ShellProgram.Terminate);
        int code = program.Finish().Code;
        Assert.That(code, Is.EqualTo(1));
        Assert.That(Stopwatch.GetElapsedTime(start), Is.AtLeast(StopSignals.Limit - TimeSpan.FromMilliseconds(100)));
    }

    private ShellProgram StartRun(string before) => ShellProgram.Start(
        $"cd {folder.Path}; {before}exec COLOWIRE run --primary-in file:p --secondary-in file:s --outdev file:out "
        + "--compare-timeout 600000 --control-socket c >/dev/null 2>log");

    private void WaitForLine(ShellProgram program, string line) =>
        program.WaitUntil(() => Log().Contains(line, StringComparison.Ordinal));

    private string Log()
    {
        using StreamReader file = new(
            new FileStream(folder.File("log"), FileMode.OpenOrCreate, FileAccess.Read, FileShare.ReadWrite));
        return file.ReadToEnd();
    }
}
