// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Threading;
using ColoWire.Ports.Streams;
using ColoWire.Tests.Ports.Streams;
using NUnit.Framework;

namespace ColoWire.Tests.Program;

/// <summary>The built program in the place of QEMU's colo-compare, between sockets that the tests play.</summary>
internal sealed partial class StreamProgramTests
{
    private const int Terminate = 15;
    private const int PatienceMs = 20_000;

    private static readonly byte[] PrimaryHeader = [1, 0, 0, 0, 34, 0, 6, 0, 0, 0, 0, 0];
    private static readonly byte[] SecondaryHeader = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

    private readonly List<string> log = [];
    private string folder = string.Empty;
    private Process process = null!;
    private string lastOutput = string.Empty;

    [SetUp]
    public void MakeFolder()
    {
        folder = Directory.CreateTempSubdirectory("colowire-").FullName;
        log.Clear();
        lastOutput = string.Empty;
    }

    [TearDown]
    public void EndProgram()
    {
        if (!process.HasExited)
        {
            process.Kill();
            process.WaitForExit();
        }

        process.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    [Test]
    public void Scenario_40_with_headers_of_12_and_10_bytes_the_primarys_frames_leave_as_they_came()
    {
        Run("--vnet-hdr-support");
        using StreamPeer primary = StreamPeer.Connect(Place("primary"));
        using StreamPeer secondary = StreamPeer.Connect(Place("secondary"));
        using StreamPeer outside = StreamPeer.Connect(Place("out"));
        WaitForLine(",server: connected", times: 3);
        byte[][] sent =
            [.. Enumerable.Range(0, 200).Select(i => StreamPeer.Framed(PrimaryHeader, TestCapture.Udp($"datagram {i}")))];
        foreach ((byte[] frame, int i) in sent.Select((frame, i) => (frame, i)))
        {
            primary.Send(frame);
            secondary.Send(StreamPeer.Framed(SecondaryHeader, TestCapture.Udp($"datagram {i}")));
        }

        byte[] expected = [.. sent.SelectMany(frame => frame)];
        Assert.That(outside.Read(expected.Length), Is.EqualTo(expected));
        JsonElement last = Stop();
        Assert.That(last.GetProperty("released").GetProperty("verified").GetInt64(), Is.EqualTo(200));
    }

    [Test]
    public void Scenario_87_lengths_of_0_harm_nobody_and_after_an_oversized_one_the_channel_reconnects()
    {
        Run();
        using StreamPeer secondary = StreamPeer.Connect(Place("secondary"));
        using StreamPeer outside = StreamPeer.Connect(Place("out"));
        using (StreamPeer primary = StreamPeer.Connect(Place("primary")))
        {
            WaitForLine(",server: connected", times: 3);
            primary.Send([.. StreamPeer.Word(0), .. StreamPeer.Framed(TestCapture.Udp("one")), .. StreamPeer.Word(0)]);
            secondary.Send([.. StreamPeer.Word(0), .. StreamPeer.Framed(TestCapture.Udp("one"))]);
            Assert.That(outside.ReadFrame(), Is.EqualTo(TestCapture.Udp("one")));
            primary.Send(StreamPeer.Word(int.MaxValue));
            Assert.That(primary.IsClosed(), Is.True);
        }

        WaitForLine($"primary,server: not connected: a frame of {int.MaxValue} bytes was announced");
        using StreamPeer again = StreamPeer.Connect(Place("primary"));
        byte[] framed = StreamPeer.Framed(TestCapture.Udp("two"));
        foreach (byte single in framed)
        {
            again.Send([single]);
        }

        secondary.Send(framed);
        Assert.That(outside.ReadFrame(), Is.EqualTo(TestCapture.Udp("two")));
        Assert.That(Stop().GetProperty("released").GetProperty("verified").GetInt64(), Is.EqualTo(2));
        Assert.That(log, Has.Some.Contains("1 frames lost: they were announced with a length that no frame can have"));
    }

    [Test]
    public void Scenario_85_while_the_secondary_is_not_connected_frames_leave_unverified_and_are_compared_again_when_it_is_back()
    {
        Run();
        using StreamPeer primary = StreamPeer.Connect(Place("primary"));
        using StreamPeer outside = StreamPeer.Connect(Place("out"));
        using (StreamPeer secondary = StreamPeer.Connect(Place("secondary")))
        {
            WaitForLine(",server: connected", times: 3);
        }

        WaitForLine("secondary,server: not connected: the other end has closed the connection");
        WaitForLine("degraded: the secondary is out of step");
        primary.Send(StreamPeer.Framed(TestCapture.Udp("alone")));
        Assert.That(outside.ReadFrame(), Is.EqualTo(TestCapture.Udp("alone")));

        using StreamPeer back = StreamPeer.Connect(Place("secondary"));
        WaitForLine("protected again");
        WaitForLine("secondary,server: connected", times: 2);
        primary.Send(StreamPeer.Framed(TestCapture.Udp("both")));
        back.Send(StreamPeer.Framed(TestCapture.Udp("both")));
        Assert.That(outside.ReadFrame(), Is.EqualTo(TestCapture.Udp("both")));
        JsonElement released = Stop().GetProperty("released");
        Assert.That(
            (released.GetProperty("verified").GetInt64(), released.GetProperty("unverified").GetInt64()), Is.EqualTo((1L, 1L)));
    }

    [Test]
    public void A_burst_of_one_flow_loses_nothing_while_the_secondary_is_behind_and_the_client_reads_late()
    {
        // Fewer than there are slots.
        const int frames = 10_000;
        const int behind = 100;
        Run();
        using StreamPeer primary = StreamPeer.Connect(Place("primary"));
        using StreamPeer secondary = StreamPeer.Connect(Place("secondary"));
        using StreamPeer outside = StreamPeer.Connect(Place("out"));
        WaitForLine(",server: connected", times: 3);
        byte[] stream = [.. Enumerable.Range(0, frames).SelectMany(i => StreamPeer.Framed(TestCapture.Udp($"{i:D8}")))];
        int lag = stream.Length / frames * behind;
        primary.Send(stream.AsSpan(0, lag));
        for (int sent = 0; sent < stream.Length; sent += lag)
        {
            primary.Send(
                stream.AsSpan(Math.Min(sent + lag, stream.Length), Math.Max(0, Math.Min(lag, stream.Length - sent - lag))));
            secondary.Send(stream.AsSpan(sent, lag));
        }

        Assert.That(outside.Read(stream.Length), Is.EqualTo(stream));
        JsonElement last = Stop();
        Assert.That(last.GetProperty("released").GetProperty("verified").GetInt64(), Is.EqualTo(frames));
        Assert.That(last.GetProperty("divergences_total").GetInt64(), Is.Zero);
    }

    [Test]
    public void The_three_ports_may_be_of_different_kinds()
    {
        string capture = Path.Combine(folder, "secondary.pcap");
        string left = Path.Combine(folder, "left.pcap");
        TestCapture.Write(capture, [(0, TestCapture.Udp("one")), (1, TestCapture.Udp("two"))]);
        Run(ports: [$"stream:{Place("primary")},server", $"file:{capture}", $"file:{left}"]);
        using StreamPeer primary = StreamPeer.Connect(Place("primary"));
        WaitForLine(",server: connected");
        primary.Send([.. StreamPeer.Framed(TestCapture.Udp("one")), .. StreamPeer.Framed(TestCapture.Udp("two"))]);
        Assert.That(SpinWait.SpinUntil(() => lastOutput.Contains("\"verified\":2", StringComparison.Ordinal), PatienceMs),
            Is.True, lastOutput);
        _ = Stop();
        Assert.That(TestCapture.Read(left), Is.EqualTo(new[] { TestCapture.Udp("one"), TestCapture.Udp("two") }));
    }

    [Test]
    public void A_stranger_is_closed_at_once_told_and_counted_and_the_peer_is_told_by_its_address()
    {
        int port = FreePort();
        Run(
            ports: [$"stream:{Place("primary")},server", $"stream:127.0.0.1:{port},server,peer=127.0.0.2",
                $"stream:{Place("out")},server"]);
        using StreamPeer primary = StreamPeer.Connect(Place("primary"));
        using StreamPeer outside = StreamPeer.Connect(Place("out"));
        WaitForLine(",server: connected", times: 2);
        Assert.That(IsClosed("127.0.0.3", port), Is.True);
        byte[] framed = StreamPeer.Framed(TestCapture.Udp("one"));
        using Socket secondary = Dial("127.0.0.2", port);
        WaitForLine($"peer=127.0.0.2: connected, the other end is {secondary.LocalEndPoint}");
        WaitForLine("peer=127.0.0.2: 1 connections closed at once, the last from 127.0.0.3: only 127.0.0.2 may connect");
        primary.Send(framed);
        _ = secondary.Send(framed);
        Assert.That(outside.ReadFrame(), Is.EqualTo(TestCapture.Udp("one")));
        JsonElement last = Stop();
        Assert.That(last.GetProperty("connections_refused").GetInt64(), Is.EqualTo(1));
        Assert.That(last.GetProperty("secondary").GetProperty("frames").GetInt64(), Is.EqualTo(1));
    }

    [Test]
    public void A_place_where_nobody_can_listen_is_told_in_a_line()
    {
        string file = Path.Combine(folder, "file");
        File.WriteAllText(file, "words");
        process = Start("run", "--primary-in", $"stream:unix:{file},server", "--secondary-in", $"stream:unix:{folder}/s",
            "--outdev", $"stream:unix:{folder}/o");
        string errors = process.StandardError.ReadToEnd();
        Assert.That(process.WaitForExit(PatienceMs), Is.True);
        Assert.That(process.ExitCode, Is.EqualTo(2));
        Assert.That(
            errors.TrimEnd(),
            Is.EqualTo(
                $"colowire: primary_in: cannot listen at 'unix:{file},server': there is a file that is no socket: "
                + "remove it, or name another path"));
    }

    private StreamEndpoint Place(string name) => new(Path.Combine(folder, name), null, 0, IsServer: false);

    private void Run(params string[] more) =>
        Run([$"stream:{Place("primary")},server", $"stream:{Place("secondary")},server", $"stream:{Place("out")},server"], more);

    private void Run(string[] ports, string[]? more = null)
    {
        process = Start(
            ["run", "--primary-in", ports[0], "--secondary-in", ports[1], "--outdev", ports[2], "--send-retry-ms", "10000",
                "--json", .. more ?? []]);
        process.OutputDataReceived += (_, line) => lastOutput = line.Data ?? lastOutput;
        process.BeginOutputReadLine();
        process.ErrorDataReceived += (_, line) =>
        {
            lock (log)
            {
                log.Add(line.Data ?? string.Empty);
            }
        };
        process.BeginErrorReadLine();
    }

    private static int FreePort()
    {
        using Socket free = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        free.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)free.LocalEndPoint!).Port;
    }

    /// <summary>Whether a connection from an address is closed, if it comes to stand at all.</summary>
    private static bool IsClosed(string from, int port)
    {
        try
        {
            using Socket socket = Dial(from, port);
            return socket.Receive(new byte[1]) == 0;
        }
        catch (SocketException exception)
        {
            return exception.SocketErrorCode == SocketError.ConnectionReset;
        }
    }

    private static Socket Dial(string from, int port)
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = PatienceMs };
        socket.Bind(new IPEndPoint(IPAddress.Parse(from), 0));
        socket.Connect(new IPEndPoint(IPAddress.Loopback, port));
        return socket;
    }

    private static Process Start(params string[] arguments)
    {
        ProcessStartInfo start = new("dotnet", ["exec", Path.Combine(AppContext.BaseDirectory, "colowire.dll"), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        return Process.Start(start) ?? throw new InvalidOperationException("dotnet does not start");
    }

    private void WaitForLine(string part, int times = 1)
    {
        bool came = SpinWait.SpinUntil(
            () =>
            {
                Thread.Sleep(5);
                lock (log)
                {
                    return log.Count(line => line.Contains(part, StringComparison.Ordinal)) >= times;
                }
            },
            PatienceMs);
        Assert.That(came, Is.True, $"'{part}' does not come {times} times in:\n{string.Join('\n', log)}");
    }

    private JsonElement Stop()
    {
        Assert.That(Kill(process.Id, Terminate), Is.Zero);
        Assert.That(process.WaitForExit(PatienceMs), Is.True);
        // Without a time it waits for the last lines of output, too.
        process.WaitForExit();
        Assert.That(process.ExitCode, Is.Zero);
        return JsonDocument.Parse(lastOutput).RootElement;
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
