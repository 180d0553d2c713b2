// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using System.Text;
using ColoWire.Engine.Tests.Bench;
using NUnit.Framework;

namespace ColoWire.Wire.Tests.Differential;

/// <summary>A process between four sockets: both guests' frames go in, what may leave comes out, and it asks for
/// checkpoints.</summary>
internal sealed class RunningComparer : IDisposable
{
    /// <summary>How long both wait for a partner, and how often they look for what has waited too long, in ms.</summary>
    public const int TimeoutMs = 1000;
    public const int ScanMs = 200;

    /// <summary>Stands in no frame of a case.</summary>
    private const string ProbeText = "probe";

    private static readonly string[] Devices = ["primary_in", "secondary_in", "outdev", "notify_dev"];

    private readonly Process process;
    private readonly Dictionary<string, FramedSocket> sockets;
    private int probes;

    private RunningComparer(IEnumerable<string> words, string folder)
    {
        process = Shell.Start(words);
        process.StandardInput.Close();
        // Nobody reads on: it says little, and it is of use only where a test fails.
        sockets = Devices.ToDictionary(device => device, device => new FramedSocket(Path.Combine(folder, device)));
    }

    /// <summary>Frames that left, without those that only show that all before them was looked at.</summary>
    public IReadOnlyList<string> Left =>
        [.. sockets["outdev"].Received.Where(frame => !IsProbe(frame)).Select(Convert.ToHexString)];

    /// <summary>Checkpoints that were asked for.</summary>
    public int Requests => sockets["notify_dev"].Received.Count(message => Encoding.ASCII.GetString(message) == "DO_CHECKPOINT");

    /// <summary>QEMU, without a machine.</summary>
    public static RunningComparer Qemu(string folder) => new(
        [
            "qemu-system-x86_64", "-machine", "none", "-nodefaults", "-display", "none", "-object", "iothread,id=compare",
            .. Devices.SelectMany(
                device => (string[])["-chardev", $"socket,id={device},path={Path.Combine(folder, device)},server=on,wait=off"]),
            "-object",
            $"colo-compare,id=comparer,{string.Join(',', Devices.Select(device => $"{device}={device}"))},iothread=compare,"
                + $"compare_timeout={TimeoutMs},expired_scan_cycle={ScanMs}",
        ],
        folder);

    /// <summary>ColoWire in its place.</summary>
    public static RunningComparer ColoWire(string folder) => new(
        [
            Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", "dotnet")), "exec",
            Path.Combine(TestContext.CurrentContext.TestDirectory, "colowire.dll"), "run",
            "--primary-in", Server(folder, "primary_in"), "--secondary-in", Server(folder, "secondary_in"), "--outdev",
            Server(folder, "outdev"),
            "--requester", $"notify_dev:unix:{Path.Combine(folder, "notify_dev")},server",
            "--compare-timeout", $"{TimeoutMs}", "--expired-scan-cycle", $"{ScanMs}", "--idle", "block",
        ],
        folder);

    public void SendPrimary(byte[] frame) => Send("primary_in", frame);

    public void SendSecondary(byte[] frame) => Send("secondary_in", frame);

    /// <summary>The checkpoint is made, whether it was asked for or not.</summary>
    public void Checkpoint() => sockets["notify_dev"].Send("COLO_CHECKPOINT"u8.ToArray());

    public void Forget()
    {
        foreach (FramedSocket socket in sockets.Values)
        {
            socket.Forget();
        }
    }

    public void Dispose()
    {
        process.Kill();
        process.WaitForExit();
        process.Dispose();
        foreach (FramedSocket socket in sockets.Values)
        {
            socket.Dispose();
        }
    }

    private static string Server(string folder, string device) => $"stream:unix:{Path.Combine(folder, device)},server";

    private static Datagram Probe(int number) => new($"{ProbeText} {number}") { Destination = [10, 0, 99, 200], SourcePort = 7 };

    private static bool IsProbe(byte[] frame) => frame.AsSpan().IndexOf(Encoding.ASCII.GetBytes(ProbeText)) >= 0;

    /// <summary>Sends a frame, then a pair that both agree on: when that has left, the frame was looked at.</summary>
    private void Send(string device, byte[] frame)
    {
        sockets[device].Send(frame);
        byte[] probe = Probe(++probes).Bytes();
        sockets["primary_in"].Send(probe);
        sockets["secondary_in"].Send(probe);
        Waiting.Until(
            () => sockets["outdev"].Received.Any(left => left.AsSpan().SequenceEqual(probe)), $"probe {probes} has left");
    }
}
