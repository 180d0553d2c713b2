// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using System.ComponentModel;
using System.Diagnostics;
using System.Threading.Tasks;

namespace ColoWire.Rig;

/// <summary>Runs another program to its end.</summary>
internal static class Tool
{
    /// <summary>Runs it.</summary>
    /// <param name="words">The program and its arguments.</param>
    /// <returns>What it printed.</returns>
    /// <exception cref="RigException">It cannot be started, or its exit code is not 0.</exception>
    public static string Run(params IReadOnlyList<string> words)
    {
        using Process process = Start(words);
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0
            ? output
            : throw new RigException($"{string.Join(' ', words)}: exit code {process.ExitCode}: {errors.Result.Trim()}");
    }

    /// <summary>Starts it, without an input.</summary>
    /// <param name="words">The program and its arguments.</param>
    /// <exception cref="RigException">It cannot be started.</exception>
    public static Process Start(params IReadOnlyList<string> words)
    {
        ProcessStartInfo start = new(words[0])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        for (int i = 1; i < words.Count; i++)
        {
            start.ArgumentList.Add(words[i]);
        }

        try
        {
            Process process = Process.Start(start)!;
            process.StandardInput.Close();
            return process;
        }
        catch (Win32Exception fault)
        {
            throw new RigException($"{words[0]}: cannot be started: {fault.Message}", fault);
        }
    }
}
