// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.IO;
using System.Linq;
using System.Text.Json;
using ColoWire.Tests.Control;
using ColoWire.Tests.Ports;
using Microsoft.Win32.SafeHandles;
using NUnit.Framework;

namespace ColoWire.Tests.Program;

/// <summary>Output that cannot be written, or that nobody reads, ends no verb and no appliance.</summary>
[NonParallelizable]
internal sealed class OutputTests
{
    private const string Full =
        "colowire: the standard output cannot be written to: No space left on device; the output is lost\n";
    private const string Closed = "colowire: the standard output is closed; the output is lost\n";

    private ScratchFolder folder = null!;

    [SetUp]
    public void MakeCaptures()
    {
        folder = new ScratchFolder();
        byte[][] frames = [.. Enumerable.Range(0, 100).Select(i => TestCapture.Udp($"datagram {i}"))];
        TestCapture.Write(folder.File("p"), frames.Select((frame, i) => (i, frame)));
        TestCapture.Write(folder.File("s"), frames.Select((frame, i) => (i, frame)));
        frames[50] = TestCapture.Udp("datagrem 50");
        TestCapture.Write(folder.File("other"), frames.Select((frame, i) => (i, frame)));
        // Another flow, which goes on for an hour: an appliance has no reason to end by itself.
        TestCapture.Write(folder.File("hour"), [(0, TestCapture.Udp("other", 5)), (3_600_000, TestCapture.Udp("flow", 5))]);
    }

    [TearDown]
    public void RemoveCaptures() => folder.Dispose();

    [TestCase("compare p s >/dev/full", 2, Full)]
    [TestCase("compare p other >/dev/full", 2, Full)]
    [TestCase("compare --json p s >/dev/full", 2, Full)]
    [TestCase("compare p s >&-", 2, Closed)]
    [TestCase("compare p s </dev/null 1<p", 2,
        "colowire: the standard output cannot be written to: Bad file descriptor; the output is lost\n")]
    [TestCase("compare p s >/dev/full 2>&1", 2, "")]
    [TestCase("compare p s >&- 2>&- <&-", 2, "")]
    [TestCase("compare p s >/dev/null 2>&-", 0, "")]
    [TestCase("compare p other >/dev/null 2>/dev/full", 1, "")]
    [TestCase("compare nothing s 2>&-", 2, "")]
    [TestCase("compare nothing s 2>/dev/full", 2, "")]
    [TestCase("compare --show x p s 2>&-", 2, "")]
    [TestCase("options >/dev/full", 2, Full)]
    [TestCase("options --markdown >&-", 2, Closed)]
    [TestCase("interfaces >/dev/full", 2, Full)]
    [TestCase("interfaces --json >&-", 2, Closed)]
    [TestCase("--help >/dev/full", 2, Full)]
    [TestCase("run --help >&-", 2, Closed)]
    [TestCase("--version >/dev/full", 2, Full)]
    [TestCase("ctl status --socket /nonexistent/c >&- 2>&-", 2, "")]
    [TestCase("run 2>&-", 2, "")]
    public void A_stream_that_takes_nothing_is_one_line_and_an_exit_code(string words, int expected, string line)
    {
        (int code, string output, string errors) = ShellProgram.Run($"cd {folder.Path}; COLOWIRE {words}");
        Assert.That((code, output, errors), Is.EqualTo((expected, "", line)));
    }

    [TestCase("compare p s", 0)]
    [TestCase("compare p other", 1)]
    [TestCase("options", 0)]
    public void A_reader_that_has_had_enough_is_no_fault(string words, int expected)
    {
        (int code, _, string errors) = ShellProgram.Run(
            $"cd {folder.Path}; COLOWIRE {words} | exec 0<&-; exit ${{PIPESTATUS[0]}}");
        Assert.That((code, errors), Is.EqualTo((expected, "")));
    }

    [TestCase("flush >/dev/full", 0,
        "colowire: the standard output cannot be written to: No space left on device; the answer is: 0 frames "
        + "were let out unverified\n")]
    [TestCase("flush >&-", 0, "colowire: the standard output is closed; the answer is: 0 frames were let out unverified\n")]
    [TestCase("checkpoint 2>&-", 1, "")]
    [TestCase("status >/dev/full", 2, Full)]
    [TestCase("status --json >/dev/full", 2, Full)]
    public void An_order_that_was_carried_out_says_so_by_its_exit_code_whatever_becomes_of_the_answer(
        string words, int expected, string line)
    {
        using ControlRig rig = new();
        (int code, string output, string errors) = ShellProgram.Run($"COLOWIRE ctl --socket {rig.Path} {words}");
        Assert.That((code, output, errors), Is.EqualTo((expected, "", line)));
    }

    [TestCase("")]
    [TestCase("--json")]
    public void An_appliance_outlives_streams_that_take_nothing(string words)
    {
        foreach (string streams in (string[])[">/dev/full 2>/dev/full", ">&- 2>&- <&-"])
        {
            File.Delete(folder.File("out"));
            (int code, _, _) = ShellProgram.Run($"cd {folder.Path}; COLOWIRE run {words} {Ports("s")} {streams}");
            Assert.That(code, Is.Zero, streams);
            Assert.That(TestCapture.Read(folder.File("out")), Has.Count.EqualTo(100), streams);
        }
    }

    [Test]
    public void A_disk_that_fills_up_costs_lines_which_are_counted_and_the_next_one_begins_anew()
    {
        string status = folder.File("status");
        using ShellProgram program = ShellProgram.Start(
            $"cd {folder.Path}; exec COLOWIRE run --json {Ports("hour")} --compare-timeout 600000 "
            + $">{status} 2>{folder.File("log")}");
        program.WaitUntil(() => Read("status").Contains("\"held\":100,", StringComparison.Ordinal));
        // The limit of a file stands for the disk. It comes in the middle of an object, some seconds from now.
        long limit = new FileInfo(status).Length + (Read("status").IndexOf('\n', StringComparison.Ordinal) * 7 / 2);
        SetFileLimit(program, $"{limit}");
        program.WaitUntil(() => Read("log").Contains("counters cannot be written", StringComparison.Ordinal));
        Assert.That(new FileInfo(status).Length, Is.EqualTo(limit));
        SetFileLimit(program, "unlimited");
        program.WaitUntil(() => Read("log").Contains("were lost: they were not read in time", StringComparison.Ordinal));
        program.Signal(ShellProgram.Terminate);
        Assert.That(program.Finish().Code, Is.Zero);
        string[] lines = Read("status").TrimEnd().Split('\n');
        JsonElement last = JsonDocument.Parse(lines[^1]).RootElement;
        Assert.That(last.GetProperty("final").GetBoolean(), Is.True);
        Assert.That(last.GetProperty("unwritten").GetProperty("status").GetInt64(), Is.Positive);
        Assert.That(lines.Count(line => !line.EndsWith('}')), Is.EqualTo(1), "the one that was cut off");
        Assert.That(TestCapture.Read(folder.File("out")), Has.Count.EqualTo(100));
    }

    [Test]
    public void Pipes_that_nobody_reads_keep_a_stop_no_longer_than_five_seconds()
    {
        using SafeFileHandle status = FullPipe("status");
        using SafeFileHandle log = FullPipe("log");
        using ShellProgram program = ShellProgram.Start(
            $"cd {folder.Path}; exec COLOWIRE run --json --trace {Ports("hour")} --compare-timeout 600000 "
            + "--control-socket c >status 2>log");
        program.WaitUntilHeld(folder.File("c"), 100);
        program.Signal(ShellProgram.Terminate);
        Assert.That(program.Finish().Code, Is.Zero, "a stop that takes longer than 5 s ends with the exit code 1");
        Assert.That(TestCapture.Read(folder.File("out")), Has.Count.EqualTo(100), "what was held has left");
    }

    private static void SetFileLimit(ShellProgram program, string limit) =>
        Assert.That(ShellProgram.Run($"prlimit --pid {program.Id} --fsize={limit}:unlimited").Code, Is.Zero);

    private string Read(string name)
    {
        using StreamReader file = new(
            new FileStream(folder.File(name), FileMode.OpenOrCreate, FileAccess.Read, FileShare.ReadWrite));
        return file.ReadToEnd();
    }

    private static string Ports(string secondary) =>
        $"--primary-in file:p --secondary-in file:{secondary} --outdev file:out";

    /// <summary>A pipe with a name that has no room.</summary>
    private SafeFileHandle FullPipe(string name)
    {
        string path = folder.File(name);
        Assert.That(ShellProgram.Run($"mkfifo {path}").Code, Is.Zero);
        // Opened for both, which waits for nobody; what is written stays in it.
        SafeFileHandle pipe = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        Assert.That(
            ShellProgram.Run($"dd if=/dev/zero of={path} bs=4096 count=1000 oflag=nonblock 2>/dev/null; true").Code, Is.Zero);
        return pipe;
    }
}
