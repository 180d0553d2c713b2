// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using System.Threading;

namespace ColoWire.Rig.Live;

/// <summary>A running program in a network namespace, and all that it has printed.</summary>
internal sealed class SpaceProcess : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly Process process;
    private readonly string program;
    private readonly Lock changes = new();
    private readonly List<string> output = [];
    private readonly List<string> errors = [];

    /// <summary>Takes over a process that was started with its output redirected.</summary>
    /// <param name="process">The process.</param>
    /// <param name="program">Its name for messages.</param>
    public SpaceProcess(Process process, string program)
    {
        this.process = process;
        this.program = program;
        process.OutputDataReceived += (_, line) => Keep(output, line.Data);
        process.ErrorDataReceived += (_, line) => Keep(errors, line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>The id of the process.</summary>
    public int Id => process.Id;

    /// <summary>How many lines it has printed to its standard output.</summary>
    public int OutputLines
    {
        get
        {
            lock (changes)
            {
                return output.Count;
            }
        }
    }

    /// <summary>The first line that it has printed to its standard output.</summary>
    public string FirstLine
    {
        get
        {
            lock (changes)
            {
                return output[0];
            }
        }
    }

    /// <summary>Waits for a line that has these words, on either output.</summary>
    /// <param name="words">The words.</param>
    /// <exception cref="RigException">It does not come in time.</exception>
    public void AwaitWords(string words)
    {
        Await(() => output.Concat(errors).Any(line => line.Contains(words, StringComparison.Ordinal)), $"'{words}'");
    }

    /// <summary>Waits for its next line on the standard output.</summary>
    /// <exception cref="RigException">It does not come in time.</exception>
    public string NextLine()
    {
        int before = OutputLines;
        Await(() => output.Count > before, "one more line");
        lock (changes)
        {
            return output[before];
        }
    }

    /// <summary>Waits until it has ended by itself.</summary>
    /// <returns>What it printed to its standard output.</returns>
    /// <exception cref="RigException">It failed.</exception>
    public string WaitForOutput()
    {
        process.WaitForExit();
        return process.ExitCode == 0
            ? string.Join('\n', output)
            : throw new RigException($"{program}: exit code {process.ExitCode}: {Said()}");
    }

    /// <summary>CPU time of the threads whose names fit, user and system, in ns, as the scheduler counts it. That of a running
    /// thread is as old as the last tick, that of a stopped one is exact.</summary>
    /// <param name="names">The threads' names.</param>
    public long CpuNs(Regex names) => ThreadFolders().Where(folder => names.IsMatch(Read(folder, "comm").TrimEnd())).Sum(CpuNs);

    /// <summary>CPU time of all its threads, in ns.</summary>
    public long CpuNs() => ThreadFolders().Sum(CpuNs);

    /// <summary>CPU time of another process with one thread, in ns.</summary>
    /// <param name="processId">Its id.</param>
    public static long CpuNs(int processId) => CpuNs($"/proc/{processId}");

    /// <summary>Stops it until <see cref="Resume"/>; returns when each of its threads has stopped.</summary>
    public void Pause()
    {
        Signal("STOP");
        bool stopped = SpinWait.SpinUntil(() => ThreadFolders().All(IsStopped), Patience);
        if (!stopped)
        {
            throw new RigException($"{program}: has not stopped");
        }
    }

    /// <summary>Lets it go on.</summary>
    public void Resume() => Signal("CONT");

    /// <summary>Ends it with a signal, also when it is stopped, and waits until it is gone.</summary>
    /// <param name="signal">The signal's name, without SIG.</param>
    public void End(string signal)
    {
        if (!process.HasExited)
        {
            Resume();
            Signal(signal);
            process.WaitForExit();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        process.Kill();
        process.WaitForExit();
        process.Dispose();
    }

    private static bool IsStopped(string folder)
    {
        // proc_pid_stat(5): the state follows the name, which stands in parentheses and may have spaces.
        string stat = Read(folder, "stat");
        return stat.Length == 0 || stat[stat.LastIndexOf(')') + 2] is 'T';
    }

    private static long CpuNs(string folder)
    {
        string schedstat = Read(folder, "schedstat");
        return schedstat.Length == 0 ? 0 : long.Parse(schedstat.Split(' ')[0], CultureInfo.InvariantCulture);
    }

    /// <summary>Reads a file of a thread; empty when the thread has ended meanwhile.</summary>
    private static string Read(string folder, string name)
    {
        try
        {
            return File.ReadAllText($"{folder}/{name}");
        }
        catch (IOException)
        {
            return string.Empty;
        }
    }

    private string[] ThreadFolders() => Directory.GetDirectories($"/proc/{Id}/task");

    private void Signal(string name) => Tool.Run("kill", "-s", name, Id.ToString(CultureInfo.InvariantCulture));

    private void Keep(List<string> lines, string? line)
    {
        lock (changes)
        {
            if (line != null)
            {
                lines.Add(line);
            }
        }
    }

    private void Await(Func<bool> condition, string what)
    {
        bool came = SpinWait.SpinUntil(() => Holds(condition), Patience);
        if (!came)
        {
            throw new RigException($"{program}: has not printed {what} within {Patience.TotalSeconds} s: {Said()}");
        }
    }

    private bool Holds(Func<bool> condition)
    {
        lock (changes)
        {
            if (condition())
            {
                return true;
            }
        }

        Thread.Sleep(1);
        return false;
    }

    private string Said()
    {
        lock (changes)
        {
            return string.Join(" | ", errors.TakeLast(5));
        }
    }
}
