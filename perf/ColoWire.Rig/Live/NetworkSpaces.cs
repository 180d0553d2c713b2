// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;

namespace ColoWire.Rig.Live;

/// <summary>
/// Network namespaces, the virtual cables between them, and the processes in them. All are gone when this is disposed, and when
/// the rig is ended by a signal.
/// </summary>
internal sealed class NetworkSpaces : IDisposable
{
    private const int SignalExitCode = 130;

    private readonly string tag = $"cwrig{Environment.ProcessId}";
    private readonly Dictionary<string, Process> holders = [];
    private readonly List<SpaceProcess> processes = [];
    private readonly List<PosixSignalRegistration> signals = [];

    /// <summary>Makes namespaces in which only what is measured sends anything.</summary>
    /// <param name="names">Their names, for this rig.</param>
    /// <exception cref="RigException">They cannot be made.</exception>
    public NetworkSpaces(params IEnumerable<string> names)
    {
        foreach (PosixSignal signal in (PosixSignal[])[PosixSignal.SIGINT, PosixSignal.SIGTERM])
        {
            signals.Add(PosixSignalRegistration.Create(signal, _ => EndBySignal()));
        }

        foreach (string name in names)
        {
            Tool.Run("ip", "netns", "add", Space(name));
            // A process in the namespace: /proc/PID/net is how its counters are read without starting a program each time.
            holders.Add(name, Tool.Start(InSpace(name, "sleep", "infinity")));
            Run(name, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1");
        }
    }

    /// <summary>Lays a virtual cable and raises both ends, with all offloads off.</summary>
    /// <param name="one">Namespace and interface of one end.</param>
    /// <param name="other">Those of the other end.</param>
    public void Cable((string Space, string Interface) one, (string Space, string Interface) other)
    {
        Tool.Run(
            "ip", "link", "add", one.Interface, "netns", Space(one.Space),
            "type", "veth", "peer", "name", other.Interface, "netns", Space(other.Space));
        foreach ((string space, string name) in (ReadOnlySpan<(string, string)>)[one, other])
        {
            Run(space, "ethtool", "-K", name, "tx", "off", "tso", "off", "gso", "off", "gro", "off");
            Tool.Run("ip", "-n", Space(space), "link", "set", name, "arp", "off", "up");
        }
    }

    /// <summary>Runs a program in a namespace to its end.</summary>
    /// <param name="space">The namespace.</param>
    /// <param name="words">The program and its arguments.</param>
    /// <returns>What it printed.</returns>
    public string Run(string space, params IReadOnlyList<string> words) => Tool.Run(InSpace(space, words));

    /// <summary>Starts a program in a namespace.</summary>
    /// <param name="space">The namespace.</param>
    /// <param name="words">The program and its arguments.</param>
    public SpaceProcess Start(string space, params IReadOnlyList<string> words)
    {
        SpaceProcess process = new(Tool.Start(InSpace(space, words)), words[0]);
        lock (processes)
        {
            processes.Add(process);
        }

        return process;
    }

    /// <summary>Frames that an interface has received.</summary>
    /// <param name="space">Its namespace.</param>
    /// <param name="name">The interface.</param>
    public long Received(string space, string name)
    {
        // Documentation/filesystems/proc.rst, /proc/net/dev: "NAME: bytes packets errs ...".
        string line = File.ReadLines($"/proc/{holders[space].Id}/net/dev")
            .FirstOrDefault(line => line.TrimStart().StartsWith(name + ":", StringComparison.Ordinal))
            ?? throw new RigException($"{name}: no such interface in the namespace {space}");
        string[] figures = line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..]
            .Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return long.Parse(figures[1], CultureInfo.InvariantCulture);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        signals.ForEach(signal => signal.Dispose());
        Remove();
    }

    private string Space(string name) => $"{tag}-{name}";

    private string[] InSpace(string space, params IReadOnlyList<string> words) => ["ip", "netns", "exec", Space(space), .. words];

    private void EndBySignal()
    {
        Remove();
        Environment.Exit(SignalExitCode);
    }

    private void Remove()
    {
        lock (processes)
        {
            processes.ForEach(process => process.Dispose());
            processes.Clear();
        }

        foreach ((string name, Process holder) in holders)
        {
            holder.Kill();
            holder.WaitForExit();
            Tool.Run("ip", "netns", "del", Space(name));
        }

        holders.Clear();
    }
}
