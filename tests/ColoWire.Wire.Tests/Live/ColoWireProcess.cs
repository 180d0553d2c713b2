// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Threading;
using NUnit.Framework;

namespace ColoWire.Wire.Tests.Live;

/// <summary>The program as it was built, running in the bridge host.</summary>
internal sealed partial class ColoWireProcess : IDisposable
{
    /// <summary>Longest wait for anything that should happen at once, on a machine that is busy with something else.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <summary>Signals (signal(7)).</summary>
    public const int KillSignal = 9;
    public const int TerminateSignal = 15;
    public const int ContinueSignal = 18;
    public const int PauseSignal = 19;

    private readonly Process process;
    private readonly List<string> output = [];
    private readonly List<string> errors = [];

    /// <summary>Starts it.</summary>
    /// <param name="host">Where.</param>
    /// <param name="words">What its command line says.</param>
    /// <param name="wrapper">A command before the program's, that changes who it runs as.</param>
    public ColoWireProcess(BridgeHost host, string[] words, string[]? wrapper = null)
    {
        process = Shell.Start(host.Host.Words([.. wrapper ?? [], Dotnet, "exec", Program, .. words]));
        process.OutputDataReceived += (_, line) => Keep(output, line.Data);
        process.ErrorDataReceived += (_, line) => Keep(errors, line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        process.StandardInput.Close();
    }

    /// <summary>Its process; <c>ip netns exec</c> becomes what it starts.</summary>
    public int Id => process.Id;

    /// <summary>What it has logged.</summary>
    public IReadOnlyList<string> Log
    {
        get
        {
            lock (errors)
                return [.. errors];
        }
    }

    /// <summary>What it has printed, JSON objects of counters.</summary>
    public IReadOnlyList<string> Output
    {
        get
        {
            lock (output)
                return [.. output];
        }
    }

    /// <summary>The very runtime that runs the tests.</summary>
    private static string Dotnet =>
        Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", "dotnet"));

    private static string Program => Path.Combine(TestContext.CurrentContext.TestDirectory, "colowire.dll");

    /// <summary>Waits until frames come to it.</summary>
    public void AwaitReady() => AwaitLog("ready: ");

    /// <summary>Waits for a line of the log.</summary>
    public void AwaitLog(string text) =>
        Await(() => Log.Any(line => line.Contains(text, StringComparison.Ordinal)), $"log: {text}");

    /// <summary>Waits for counters, which are told once a second.</summary>
    public Counters AwaitCounters(Func<Counters, bool> condition, string what)
    {
        Counters seen = default;
        Await(() => Output.Count != 0 && condition(seen = Counters.Of(Output[^1])), what);
        return seen;
    }

    /// <summary>Sends SIGTERM. The program ends within the five seconds that it promises, otherwise with the exit code
    /// 1.</summary>
    /// <param name="exitCode">What it is to end with.</param>
    /// <returns>Its last counters.</returns>
    public Counters Stop(int exitCode = 0)
    {
        Assert.That(process.HasExited, Is.False, Transcript);
        Send(TerminateSignal);
        Assert.That(WaitForExit(), Is.EqualTo(exitCode), Transcript);
        Counters last = Counters.Of(Output[^1]);
        Assert.That(last.IsFinal, Is.True, "the last object is the final one");
        return last;
    }

    /// <summary>Sends a signal.</summary>
    public void Send(int signal) => Assert.That(Signal(process.Id, signal), Is.Zero);

    /// <summary>Ends it as a crash does.</summary>
    public void Kill()
    {
        Send(KillSignal);
        WaitForExit();
    }

    /// <summary>Waits for its end.</summary>
    /// <returns>The exit code.</returns>
    public int WaitForExit()
    {
        Assert.That(process.WaitForExit(Patience), Is.True, Transcript);
        // Only this waits for the last lines too.
        process.WaitForExit();
        return process.ExitCode;
    }

    public void Dispose()
    {
        if (!process.HasExited)
        {
            process.Kill();
            process.WaitForExit(Patience);
        }

        process.Dispose();
    }

    private static void Keep(List<string> lines, string? line)
    {
        if (line != null)
        {
            lock (lines)
                lines.Add(line);
        }
    }

    private void Await(Func<bool> condition, string what)
    {
        long start = Stopwatch.GetTimestamp();
        while (!condition())
        {
            Assert.That(process.HasExited, Is.False, $"ended before {what}\n{Transcript()}");
            Assert.That(Stopwatch.GetElapsedTime(start), Is.LessThan(Patience), $"{what}\n{Transcript()}");
            Thread.Sleep(5);
        }
    }

    private string Transcript() => string.Join('\n', [.. Log, .. Output.TakeLast(1)]);

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Signal(int process, int signal);
}

/// <summary>One object of counters.</summary>
internal readonly record struct Counters(JsonElement Json)
{
    public bool IsFinal => Json.GetProperty("final").GetBoolean();

    public long Verified => this["released", "verified"];

    public long Passed => this["released", "passed"];

    public long Unverified => this["released", "unverified"];

    public long Held => this["held"];

    public long Divergences => this["divergences_total"];

    public long KernelDrops => this["primary", "kernel_dropped"] + this["secondary", "kernel_dropped"];

    /// <summary>The number at the end of a path of names; a name that is not there counts nothing.</summary>
    public long this[params string[] path]
    {
        get
        {
            JsonElement place = Json;
            foreach (string name in path)
            {
                if (!place.TryGetProperty(name, out place))
                    return 0;
            }

            return place.GetInt64();
        }
    }

    public static Counters Of(string line)
    {
        using JsonDocument document = JsonDocument.Parse(line);
        return new Counters(document.RootElement.Clone());
    }
}
