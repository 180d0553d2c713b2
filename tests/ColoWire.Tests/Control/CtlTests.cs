// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Net.Sockets;
using System.Text.Json;
using System.Threading.Tasks;
using ColoWire.Control;
using ColoWire.Ports.Linux;
using ColoWire.Tests.Ports;
using ColoWire.Tests.Program;
using NUnit.Framework;

namespace ColoWire.Tests.Control;

/// <summary><c>colowire ctl</c> and <c>colowire run</c> as an operator starts them.</summary>
[NonParallelizable]
internal sealed class CtlTests
{
    private const int PatienceMs = 20_000;

    [TestCase("", 2, "colowire: command line: a verb is missing: status, checkpoint, failover, mode, flush (colowire --help)")]
    [TestCase("failover", 2, "colowire: command line: a verb is missing: primary, secondary (colowire --help)")]
    [TestCase("failover tertiary", 2,
        "colowire: tertiary (command line): unknown; the nearest known one is 'primary' of primary, secondary")]
    [TestCase("stauts", 2,
        "colowire: stauts (command line): unknown; the nearest known one is 'status' of status, "
        + "checkpoint, failover, mode, flush")]
    [TestCase("flush now", 2, "colowire: now (command line): nothing more is expected")]
    [TestCase("status --socket", 2, "colowire: --socket (command line): its value is missing: a path")]
    [TestCase("status --socket a --socket b", 2,
        "colowire: --socket (command line): is given more than once; once is allowed")]
    [TestCase("--socket /nonexistent/c status", 2,
        "colowire: '/nonexistent/c': nobody listens there: start ColoWire with control_socket, or name its socket with --socket")]
    public void Bad_input_is_one_line(string words, int expected, string line)
    {
        (int code, string output, string errors) = Finish(
            Start(["ctl", .. words.Split(' ', StringSplitOptions.RemoveEmptyEntries)]));
        Assert.That(code, Is.EqualTo(expected), errors);
        Assert.That(output, Is.Empty);
        Assert.That(errors, Is.EqualTo(line + "\n"));
    }

    [Test]
    public void What_was_done_is_a_line_for_people_and_an_object_for_programs()
    {
        using ControlRig rig = new();
        (int code, string output, string errors) = Finish(Start(["ctl", "--socket", rig.Path, "flush"]));
        Assert.That((code, output, errors), Is.EqualTo((0, "0 frames were let out unverified\n", "")));
        (code, output, errors) = Finish(Start(["ctl", "flush", "--json", "--socket", rig.Path]));
        Assert.That((code, errors), Is.EqualTo((0, "")));
        Assert.That(JsonDocument.Parse(output).RootElement.GetProperty("released").GetInt64(), Is.Zero);
    }

    [Test]
    public void What_was_refused_is_a_line_and_exits_with_1()
    {
        using ControlRig rig = new();
        (int code, string output, string errors) = Finish(Start(["ctl", "--socket", rig.Path, "checkpoint"]));
        Assert.That((code, output), Is.EqualTo((1, "")));
        Assert.That(errors, Is.EqualTo("colowire: the requester is none: nobody makes checkpoints (option requester)\n"));
        (code, output, _) = Finish(Start(["ctl", "--socket", rig.Path, "checkpoint", "--json"]));
        Assert.That(code, Is.EqualTo(1));
        Assert.That(
            JsonDocument.Parse(output).RootElement.GetProperty("error").GetString(), Does.StartWith("the requester is none"));
    }

    [TestCase("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "what listens there is no ColoWire")]
    [TestCase("SSH-2.0-OpenSSH_9.2\r\n", "what listens there is no ColoWire")]
    [TestCase("", "no answer to 'status': the connection was closed before the answer was complete")]
    [TestCase("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{}",
        "no answer to 'status': the connection was closed before the answer was complete")]
    [TestCase("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        "the answer to 'status' is not one of this version: is another version running there?")]
    public async Task Another_program_on_the_path_is_told(string reply, string fault)
    {
        using ScratchFolder folder = new();
        using ControlSocket other = ControlSocket.Listen(folder.File("c"));
        Process process = Start(["ctl", "--socket", folder.File("c"), "status"]);
        using (Socket connection = await other.Socket.AcceptAsync())
        {
            await connection.ReceiveAsync(new byte[4096]);
            await connection.SendAsync(System.Text.Encoding.ASCII.GetBytes(reply));
        }

        (int code, string output, string errors) = Finish(process);
        Assert.That((code, output), Is.EqualTo((1, "")));
        Assert.That(errors, Does.StartWith($"colowire: '{folder.File("c")}': {fault}"));
        Assert.That(errors.TrimEnd().Split('\n'), Has.Length.EqualTo(1));
    }

    [Test]
    public void A_running_process_takes_orders_logs_them_and_stops_in_time_beside_an_open_connection()
    {
        using ScratchFolder folder = new();
        string path = folder.File("c");
        string[] run = ["run", .. Ports(folder), "--control-socket", path];
        using Process process = Start(run);
        Task<string> errors = process.StandardError.ReadToEndAsync();
        using Socket idle = WaitForConnection(path);
        ControlRig.WaitUntil(() => Status(path).GetProperty("held").GetInt64() == 10);
        Assert.That(Finish(Start(["ctl", "--socket", path, "failover", "primary"])),
            Is.EqualTo((0, "the primary goes on alone, for good: 10 frames were let out unverified\n", "")));
        (int code, _, string refusal) = Finish(Start(run));
        Assert.That((code, refusal), Is.EqualTo((2,
            $"colowire: control_socket '{path}': cannot listen there: a running process does so already: stop it, or give each "
            + "instance a path of its own\n")));
        AssertOffThePinnedCore(process.Id);

        // A stop that takes longer than 5 s ends with the exit code 1.
        Process.Start("kill", ["-TERM", process.Id.ToString(CultureInfo.InvariantCulture)]).WaitForExit();
        Assert.That(process.WaitForExit(PatienceMs), Is.True);
        Assert.That(process.ExitCode, Is.Zero);
        Assert.That(File.Exists(path), Is.False);
        Assert.That(errors.Result, Does.Contain("failover primary was ordered by ctl"));
        Assert.That(errors.Result, Does.Contain("failover primary: the primary goes on alone, for good: 10 frames"));
        Assert.That(errors.Result, Does.Not.Contain("Microsoft").And.Not.Contain("HTTP"));
    }

    [Test]
    public void What_a_killed_process_left_does_not_stop_the_next()
    {
        using ScratchFolder folder = new();
        string path = folder.File("c");
        string[] run = ["run", .. Ports(folder), "--control-socket", path];
        for (int round = 0; round < 2; round++)
        {
            using Process process = Start(run);
            _ = process.StandardError.ReadToEndAsync();
            ControlRig.WaitUntil(() => Answers(path));
            process.Kill();
            process.WaitForExit();
            Assert.That(File.Exists(path), Is.True);
        }
    }

    /// <summary>Every thread but that of the duties is kept off their core.</summary>
    private static void AssertOffThePinnedCore(int processId)
    {
        IReadOnlyList<int> cpus = CpuAffinity.AllowedCpus();
        if (cpus.Count == 1)
        {
            Assert.Warn("one CPU: all threads share it");
            return;
        }

        string pinned = cpus[^1].ToString(CultureInfo.InvariantCulture);
        List<string> there = [];
        foreach (string task in Directory.GetDirectories($"/proc/{processId}/task"))
        {
            string allowed = File.ReadLines(Path.Combine(task, "status"))
                .Single(line => line.StartsWith("Cpus_allowed_list:", StringComparison.Ordinal));
            // The last of the CPUs ends the list, alone, after a comma, or as the end of a range.
            if (allowed.Split('\t', ',', '-')[^1] == pinned)
            {
                there.Add(File.ReadAllText(Path.Combine(task, "comm")).TrimEnd());
            }
        }

        Assert.That(there, Is.EqualTo(new[] { $"colowire-{pinned}" }));
    }

    private static bool Answers(string path)
    {
        try
        {
            return ControlClient.Send(path, ControlRig.Find("status")).Done;
        }
        catch (Exception exception) when (exception is IOException or Options.OptionException)
        {
            return false;
        }
    }

    private static JsonElement Status(string path) => ControlClient.Send(path, ControlRig.Find("status")).Answer;

    private static Socket WaitForConnection(string path)
    {
        ControlRig.WaitUntil(() => Answers(path));
        Socket socket = ControlSocket.NewSocket();
        socket.Connect(new UnixDomainSocketEndPoint(path));
        return socket;
    }

    /// <summary>The primary says ten things; the secondary goes on for an hour with another connection.</summary>
    private static string[] Ports(ScratchFolder folder)
    {
        TestCapture.Write(folder.File("primary"), Enumerable.Range(0, 10).Select(i => (i, TestCapture.Udp($"datagram {i}"))));
        TestCapture.Write(folder.File("secondary"), [(0, TestCapture.Udp("other", 5)), (3_600_000, TestCapture.Udp("flow", 5))]);
        return
        [
            "--primary-in", $"file:{folder.File("primary")}", "--secondary-in", $"file:{folder.File("secondary")}",
            "--outdev", $"file:{folder.File("out")}", "--compare-timeout", "600000",
        ];
    }

    private static Process Start(string[] arguments)
    {
        ProcessStartInfo start = new("dotnet", ["exec", Path.Combine(AppContext.BaseDirectory, "colowire.dll"), .. arguments])
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
            Task<string> errors = process.StandardError.ReadToEndAsync();
            Task<string> output = process.StandardOutput.ReadToEndAsync();
            bool ended = process.WaitForExit(PatienceMs);
            if (!ended)
            {
                process.Kill();
            }

            Assert.That(ended, Is.True, "the program hangs");
            return (process.ExitCode, output.Result, errors.Result);
        }
    }
}
