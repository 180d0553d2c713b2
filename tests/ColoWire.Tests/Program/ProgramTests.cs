// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using System.Text.Json;
using NUnit.Framework;

namespace ColoWire.Tests.Program;

/// <summary>The built program, started as an operator starts it.</summary>
internal sealed partial class ProgramTests
{
    private const int Terminate = 15;
    private const int PatienceMs = 20_000;

    private string folder = string.Empty;

    [SetUp]
    public void MakeFolder() => folder = Directory.CreateTempSubdirectory("colowire-").FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(folder, recursive: true);

    [Test]
    public void It_says_its_version()
    {
        (int code, string output, string errors) = Run("--version");
        Assert.That(code, Is.Zero);
        Assert.That(output, Does.Match(@"^\d+\.\d+\.\d+"));
        Assert.That(errors, Is.Empty);
    }

    [TestCase("run")]
    [TestCase("observe")]
    [TestCase("interfaces")]
    public void Each_verb_has_help(string verb)
    {
        (int code, string output, _) = Run(verb, "--help");
        Assert.That(code, Is.Zero);
        Assert.That(output, Does.Contain($"colowire {verb} [options]"));
    }

    [TestCase("", "colowire: command line: a verb is missing: run, observe, ")]
    [TestCase("rnu", "colowire: rnu (command line): unknown; the nearest known one is 'run'")]
    [TestCase("run --compare-timeot 5 --outdev o",
        "colowire: --compare-timeot (command line): unknown; the nearest known one is '--compare-timeout'")]
    [TestCase("run --compare-timeout", "colowire: --compare-timeout (command line): its value is missing: 1 to 600000 ms")]
    [TestCase("run --config /nonexistent.json", "colowire: --config (command line): '/nonexistent.json': no such file")]
    [TestCase("run --config /no\u001bwhere.json", "colowire: --config (command line): '/no\\x1bwhere.json': no such file")]
    [TestCase("run --compare-timeout 0", "colowire: --compare-timeout (command line): 0 is out of range: 1 to 600000 ms")]
    [TestCase("run --shards 1 --shards 2", "colowire: --shards (command line): is given more than once; once is allowed")]
    [TestCase("run --primary-in a --secondary-in b --outdev c --requester command:/nonexistent",
        "colowire: requester: '/nonexistent' is no program: ")]
    [TestCase("run --primary-in a --secondary-in b --outdev c --requester notify_dev:unix:/nonexistent/n,server",
        "colowire: requester: cannot listen at ")]
    [TestCase("observe --mode lockstep", "colowire: --mode (command line): unknown; the nearest known one is '--")]
    public void Bad_input_is_told_in_a_line_and_exits_with_2(string words, string line)
    {
        (int code, string output, string errors) = Run(words.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.That(code, Is.EqualTo(2));
        Assert.That(output, Is.Empty);
        string[] lines = errors.TrimEnd().Split('\n');
        Assert.That(lines, Has.All.StartsWith("colowire: "));
        Assert.That(lines, Has.One.StartsWith(line));
    }

    [Test]
    public void Faults_of_the_words_of_the_file_and_of_the_values_are_told_together()
    {
        string config = Path.Combine(folder, "c.json");
        File.WriteAllText(
            config, """{ "primary_in": "pcap:a", "secondary_in": "pcap:b", "outdev": "pcap:c", "slotz": 1, "flows": 1 }""");
        (int code, _, string errors) = Run("run", "--config", config, "--bogus", "--shards", "--compare-timeout", "0");
        Assert.That(code, Is.EqualTo(2));
        string[] lines = errors.TrimEnd().Split('\n');
        Assert.That(lines, Has.Length.EqualTo(5), errors);
        Assert.That(lines, Has.One.StartsWith("colowire: --bogus "));
        Assert.That(lines, Has.One.StartsWith($"colowire: slotz ({config}): unknown key; the nearest known one is 'slots'"));
        Assert.That(lines, Has.One.StartsWith($"colowire: flows ({config}): 1 is out of range"));
        Assert.That(lines, Has.One.StartsWith("colowire: --shards "));
        Assert.That(lines, Has.One.StartsWith("colowire: --compare-timeout "));
    }

    [Test]
    public void Ports_that_cannot_be_opened_are_told_all_at_once()
    {
        File.WriteAllText(Path.Combine(folder, "text"), "this is not a capture, however long one looks at it");
        (int code, _, string errors) = Run(
            "run", "--primary-in", $"file:{folder}/none", "--secondary-in", $"file:{folder}/text", "--outdev", "file:/x");
        Assert.That(code, Is.EqualTo(2));
        string[] lines = errors.TrimEnd().Split('\n');
        Assert.That(lines, Has.Length.EqualTo(2).And.All.StartsWith("colowire: "));
        Assert.That(lines[0], Does.Contain($"{folder}/none"));
        Assert.That(lines[1], Does.Contain($"{folder}/text"));
    }

    /// <summary>An existing file at the output is not emptied.</summary>
    [Test]
    public void Faults_of_folders_and_of_ports_are_told_all_at_once()
    {
        WriteCaptures([TestCapture.Udp("P")], [TestCapture.Udp("P")]);
        File.WriteAllText(Path.Combine(folder, "out"), "an earlier result");
        string[] folders = ["--control-socket", $"{folder}/none/socket", "--failure-folder", $"{folder}/none"];
        (int code, _, string errors) = Run("run", [.. Ports(), .. folders]);
        Assert.That(code, Is.EqualTo(2));
        string[] lines = errors.TrimEnd().Split('\n');
        Assert.That(lines, Has.Length.EqualTo(2), errors);
        Assert.That(lines[0], Does.StartWith("colowire: control_socket ").And.Contain("there is no folder"));
        Assert.That(lines[1], Does.StartWith("colowire: failure_folder: there is no folder"));
        Assert.That(File.ReadAllText(Path.Combine(folder, "out")), Is.EqualTo("an earlier result"));

        (code, _, errors) = Run(
            "run", ["--primary-in", $"file:{folder}/none", "--secondary-in", $"file:{folder}/secondary", "--outdev",
                $"file:{folder}/none/out", .. folders]);
        Assert.That(code, Is.EqualTo(2));
        lines = errors.TrimEnd().Split('\n');
        Assert.That(lines, Has.Length.EqualTo(4), errors);
        Assert.That(lines[2], Does.StartWith("colowire: primary_in: cannot read capture "));
        Assert.That(lines[3], Does.StartWith("colowire: outdev: cannot write capture "));
    }

    [Test]
    public void An_interface_that_does_not_exist_is_told_in_a_line()
    {
        (int code, _, string errors) = Run("run", "--primary-in", "nosuch0", "--secondary-in", "nosuch1", "--outdev", "nosuch2");
        Assert.That(code, Is.EqualTo(2));
        string[] lines = errors.TrimEnd().Split('\n');
        Assert.That(lines, Has.Length.EqualTo(3));
        Assert.That(lines[0], Does.StartWith("colowire: primary_in: ").And.Contain("'nosuch0'"));
        Assert.That(lines[1], Does.StartWith("colowire: secondary_in: ").And.Contain("'nosuch1'"));
        Assert.That(lines[2], Does.StartWith("colowire: outdev: ").And.Contain("'nosuch2'"));
    }

    [Test]
    public void Captures_run_to_their_end_and_what_leaves_is_what_the_primary_sent()
    {
        byte[][] frames = [.. Enumerable.Range(0, 200).Select(i => TestCapture.Udp($"datagram {i}"))];
        WriteCaptures(frames, frames);
        (int code, string output, string errors) = Run("run", [.. Ports(), "--json"]);
        Assert.That(code, Is.Zero, errors);
        Assert.That(TestCapture.Read(Path.Combine(folder, "out")), Is.EqualTo(frames));
        JsonElement last = LastLine(output);
        Assert.That(last.GetProperty("final").GetBoolean(), Is.True);
        Assert.That(last.GetProperty("released").GetProperty("verified").GetInt64(), Is.EqualTo(200));
        Assert.That(errors, Does.Contain("memory: frame arena 98").And.Contain("fixed from now on"));
    }

    [Test]
    public void A_divergence_is_logged_with_its_flow_and_with_trace_as_a_hexdump()
    {
        byte[][] frames = [.. Enumerable.Range(0, 20).Select(i => TestCapture.Udp($"datagram {i}"))];
        byte[][] other = [.. frames];
        other[7] = TestCapture.Udp("datagrem 7");
        WriteCaptures(frames, other);
        (int code, string output, string errors) = Run("run", [.. Ports(), "--trace"]);
        Assert.That(code, Is.Zero, "a difference is the appliance's daily bread");
        string line = errors.Split('\n').Single(line => line.Contains("divergence: ", StringComparison.Ordinal));
        Assert.That(line,
            Does.Contain("payload").And.Contain("10.0.0.1:1000 > 10.0.0.2:2000").And.Contain("8/8").And.Contain("offset 6"));
        Assert.That(errors, Does.Contain("secondary 8:"));
        Assert.That(output, Does.Contain("1 divergences"));
    }

    [Test]
    public void Observe_lets_the_primary_out_at_once()
    {
        byte[][] frames = [.. Enumerable.Range(0, 20).Select(i => TestCapture.Udp($"datagram {i}"))];
        WriteCaptures(frames, []);
        (int code, _, string errors) = Run("observe", [.. Ports(), "--compare-timeout", "100", "--expired-scan-cycle", "50"]);
        Assert.That(code, Is.Zero, errors);
        Assert.That(errors, Does.Contain("observe: ").And.Contain("divergence: timeout"));
        Assert.That(TestCapture.Read(Path.Combine(folder, "out")), Is.EqualTo(frames));
    }

    [Test]
    public void A_signal_lets_what_is_held_out_and_exits_with_0_within_5_seconds([Values(2, Terminate)] int signal)
    {
        byte[][] frames = [.. Enumerable.Range(0, 100).Select(i => TestCapture.Udp($"datagram {i}"))];
        WriteCaptures(frames, []);
        // Another flow, which goes on for an hour: the appliance has no reason to end by itself.
        TestCapture.Write(
            Path.Combine(folder, "secondary"), [(0, TestCapture.Udp("other", 5)), (3_600_000, TestCapture.Udp("flow", 5))]);
        using Process process = Start("run", [.. Ports(), "--compare-timeout", "600000", "--json"]);
        _ = process.StandardError.ReadToEndAsync();
        string? line = process.StandardOutput.ReadLine();
        Assert.That(line, Does.Contain("\"held\":100,"));
        // A stop that takes longer than 5 s ends with the exit code 1.
        Assert.That(Kill(process.Id, signal), Is.Zero);
        string rest = process.StandardOutput.ReadToEnd();
        Assert.That(process.WaitForExit(PatienceMs), Is.True);
        Assert.That(process.ExitCode, Is.Zero);
        Assert.That(LastLine(rest).GetProperty("unverified").GetProperty("stop").GetInt64(), Is.EqualTo(100));
        Assert.That(TestCapture.Read(Path.Combine(folder, "out")), Is.EqualTo(frames));
    }

    [Test]
    public void A_command_is_asked_for_checkpoints_and_the_counters_tell_of_it()
    {
        byte[][] frames = [.. Enumerable.Range(0, 20).Select(i => TestCapture.Udp($"datagram {i}"))];
        byte[][] other = [.. frames];
        other[7] = TestCapture.Udp("datagrem 7");
        WriteCaptures(frames, other);
        File.WriteAllText(Path.Combine(folder, "script"), $"echo \"$COLOWIRE_REASON $COLOWIRE_FLOW\" > {folder}/made");
        (int code, string output, string errors) = Run(
            "run", [.. Ports(), "--json", "--requester", $"command:/bin/sh {folder}/script", "--grace-ms", "10"]);
        Assert.That(code, Is.Zero, errors);
        Assert.That(File.ReadAllText(Path.Combine(folder, "made")), Is.EqualTo("payload udp 10.0.0.1:1000 > 10.0.0.2:2000\n"));
        JsonElement requester = LastLine(output).GetProperty("requester");
        Assert.That(requester.GetProperty("name").GetString(), Is.EqualTo($"command:/bin/sh {folder}/script"));
        Assert.That(requester.GetProperty("ready").GetBoolean(), Is.True);
        Assert.That(requester.GetProperty("trouble").ValueKind, Is.EqualTo(JsonValueKind.Null));
        Assert.That(
            requester.GetProperty("requests").GetInt64(), Is.EqualTo(requester.GetProperty("completed").GetInt64()).And.Positive);
        Assert.That(requester.GetProperty("last_ms").GetDouble(), Is.Positive);
        Assert.That(TestCapture.Read(Path.Combine(folder, "out")), Is.EqualTo(frames));
        Assert.That(errors, Does.Contain($"requester command:/bin/sh {folder}/script: ready"));
        Assert.That(errors, Does.Match("checkpoint: [1-9] asked for so far, [1-9] completed; the last one took "));
    }

    [Test]
    public void A_requester_that_cannot_be_reached_is_told_and_keeps_no_stop_waiting()
    {
        WriteCaptures([TestCapture.Udp("P")], []);
        TestCapture.Write(
            Path.Combine(folder, "secondary"), [(0, TestCapture.Udp("other", 5)), (3_600_000, TestCapture.Udp("flow", 5))]);
        using Process process = Start("run", [.. Ports(), "--requester", $"qmp:unix:{folder}/qmp"]);
        _ = process.StandardOutput.ReadToEndAsync();
        string told = string.Empty;
        while (!told.Contains("no checkpoint can be asked for", StringComparison.Ordinal))
        {
            told = process.StandardError.ReadLine() ?? throw new InvalidOperationException("it has ended");
        }

        // A stop that takes longer than 5 s ends with the exit code 1.
        Assert.That(Kill(process.Id, Terminate), Is.Zero);
        _ = process.StandardError.ReadToEndAsync();
        Assert.That(process.WaitForExit(PatienceMs), Is.True);
        Assert.That(process.ExitCode, Is.Zero);
        Assert.That(told, Does.Contain($"warning: requester qmp:unix:{folder}/qmp: ").And.Contain($"connect"));
    }

    private static JsonElement LastLine(string output) => JsonDocument.Parse(output.TrimEnd().Split('\n')[^1]).RootElement;

    private static (int Code, string Output, string Errors) Run(params string[] arguments) => Finish(Start(arguments));

    private static (int Code, string Output, string Errors) Run(string verb, IEnumerable<string> arguments) =>
        Finish(Start(verb, arguments));

    private static Process Start(string verb, IEnumerable<string> arguments) => Start([verb, .. arguments]);

    private static Process Start(string[] arguments)
    {
        string program = Path.Combine(AppContext.BaseDirectory, "colowire.dll");
        ProcessStartInfo start = new("dotnet", ["exec", program, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        return Process.Start(start) ?? throw new InvalidOperationException("dotnet does not start");
    }

    private static (int Code, string Output, string Errors) Finish(Process process)
    {
        using (process)
        {
            System.Threading.Tasks.Task<string> errors = process.StandardError.ReadToEndAsync();
            System.Threading.Tasks.Task<string> output = process.StandardOutput.ReadToEndAsync();
            bool ended = process.WaitForExit(PatienceMs);
            if (!ended)
            {
                process.Kill();
            }

            Assert.That(ended, Is.True, "the program hangs");
            return (process.ExitCode, output.Result, errors.Result);
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);

    private void WriteCaptures(byte[][] primary, byte[][] secondary)
    {
        TestCapture.Write(Path.Combine(folder, "primary"), primary.Select((frame, i) => (i, frame)));
        TestCapture.Write(Path.Combine(folder, "secondary"), secondary.Select((frame, i) => (i, frame)));
    }

    private string[] Ports() =>
        ["--primary-in", $"file:{folder}/primary", "--secondary-in", $"file:{folder}/secondary", "--outdev",
            $"file:{folder}/out"];
}
