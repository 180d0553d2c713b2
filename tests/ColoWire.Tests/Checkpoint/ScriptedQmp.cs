// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Threading;

namespace ColoWire.Tests.Checkpoint;

/// <summary>A QEMU that knows as much of QMP as a checkpoint needs, and says besides whatever a test wants it to.</summary>
internal sealed class ScriptedQmp : IDisposable
{
    private const string Greeting =
        "{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 3, \"minor\": 1, \"major\": 11}}, \"capabilities\": [\"oob\"]}}\r\n";

    private readonly string path;
    private readonly Thread thread;
    private readonly ConcurrentQueue<string> lines = new();
    private readonly object sending = new();
    private Socket listener;
    private Socket? client;
    private bool ending;
    private int lastStatusTold = -1;

    public ScriptedQmp(string path)
    {
        this.path = path;
        listener = Listen();
        thread = new Thread(Serve) { IsBackground = true };
        thread.Start();
    }

    /// <summary>What it says that it is in COLO.</summary>
    public string Mode { get; set; } = "primary";

    /// <summary>Why it runs, or does not.</summary>
    public string Status { get; set; } = "running";

    public bool Greets { get; set; } = true;

    /// <summary>Whether it knows <c>query-colo-status</c>.</summary>
    public bool HasReplication { get; set; } = true;

    /// <summary>Bytes that it sends at a time.</summary>
    public int PieceBytes { get; set; } = int.MaxValue;

    /// <summary>What it does when a checkpoint is asked for, after its answer.</summary>
    public Action<ScriptedQmp> OnCheckpoint { get; set; } = MakeCheckpoint;

    /// <summary>What it answers to it.</summary>
    public string CheckpointAnswer { get; set; } = "\"return\": {}";

    /// <summary>How often a checkpoint was asked for.</summary>
    public int Asked => lines.Count(line => line.Contains("migrate-set-parameters", StringComparison.Ordinal));

    /// <summary>What was said to it.</summary>
    public IReadOnlyList<string> Heard => [.. lines];

    /// <summary>Stops for a checkpoint, and goes on.</summary>
    public static void MakeCheckpoint(ScriptedQmp qmp)
    {
        qmp.Stop("colo");
        qmp.Resume();
    }

    public static string Event(string name, string data = "") =>
        $"{{\"timestamp\": {{\"seconds\": 1, \"microseconds\": 2}}, \"event\": "
        + $"\"{name}\"{(data.Length == 0 ? "" : $", \"data\": {data}")}}}\r\n";

    public void Say(string text)
    {
        lock (sending)
        {
            byte[] bytes = Encoding.Latin1.GetBytes(text);
            for (int at = 0; at < bytes.Length; at += Math.Min(PieceBytes, bytes.Length - at))
            {
                client!.Send(bytes, at, Math.Min(PieceBytes, bytes.Length - at), SocketFlags.None);
            }
        }
    }

    /// <summary>Stops with a status, and has told it to whoever asks for it since, as QEMU has long before a checkpoint is
    /// done.</summary>
    public void Stop(string status)
    {
        int before = Volatile.Read(ref lastStatusTold);
        Status = status;
        Say(Event("STOP"));
        _ = SpinWait.SpinUntil(() => ending || Volatile.Read(ref lastStatusTold) > before, Probe.Patience);
    }

    public void Resume()
    {
        Status = "running";
        Say(Event("RESUME"));
    }

    /// <summary>Closes the connection; the next one is served.</summary>
    public void Drop() => client!.Shutdown(SocketShutdown.Both);

    public void Dispose()
    {
        ending = true;
        listener.Dispose();
        client?.Dispose();
        thread.Join();
        File.Delete(path);
    }

    private Socket Listen()
    {
        listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen(1);
        return listener;
    }

    private void Serve()
    {
        while (!ending)
        {
            try
            {
                client = listener.Accept();
                if (Greets)
                {
                    Say(Greeting);
                }

                using StreamReader reader = new(new NetworkStream(client));
                while (reader.ReadLine() is string line)
                {
                    Answer(line);
                }
            }
            catch (Exception exception) when (exception is SocketException or IOException or ObjectDisposedException)
            {
                // The other end has gone, or the test has ended.
            }
        }
    }

    private void Answer(string line)
    {
        using JsonDocument document = JsonDocument.Parse(line);
        string command = document.RootElement.GetProperty("execute").GetString() ?? "";
        string id = document.RootElement.GetProperty("id").GetString() ?? "";
        string answer = command switch
        {
            "query-colo-status" when !HasReplication => "\"error\": {\"class\": \"CommandNotFound\", \"desc\": \"not found\"}",
            "query-colo-status" => $"\"return\": {{\"last-mode\": \"none\", \"mode\": \"{Mode}\", \"reason\": \"none\"}}",
            "query-migrate" => Mode == "primary" ? "\"return\": {\"status\": \"colo\"}" : "\"return\": {}",
            "query-status" =>
                $"\"return\": {{\"status\": \"{Status}\", \"running\": {(Status == "running" ? "true" : "false")}}}",
            "migrate-set-parameters" => CheckpointAnswer,
            _ => "\"return\": {}",
        };
        lines.Enqueue(line);
        Say($"{{{answer}, \"id\": \"{id}\"}}\r\n");
        if (command == "query-status")
        {
            // Its id ends with how often the requester has heard that QEMU has stopped or gone on.
            Volatile.Write(ref lastStatusTold, int.Parse(id.AsSpan(id.LastIndexOf('-') + 1), CultureInfo.InvariantCulture));
        }

        if (command == "migrate-set-parameters")
        {
            // A script may wait for what is said next.
            new Thread(Play) { IsBackground = true }.Start();
        }
    }

    private void Play()
    {
        try
        {
            OnCheckpoint(this);
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // The test is over before the script is.
        }
    }
}
