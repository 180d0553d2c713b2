// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Threading.Tasks;

namespace ColoWire.Wire.Tests;

/// <summary>Runs the system's tools.</summary>
internal static class Shell
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Starts a program whose words are what it gets, with pipes instead of a terminal.</summary>
    public static Process Start(IEnumerable<string> words)
    {
        string[] all = [.. words];
        ProcessStartInfo start = new(all[0], all.Skip(1))
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        return Process.Start(start)!;
    }

    /// <summary>Runs a program to its end, which must come in time and be a good one.</summary>
    /// <returns>What it said.</returns>
    public static string Run(params string[] words)
    {
        using Process process = Start(words);
        return Finish(process, Patience);
    }

    /// <summary>Waits for the end of a process, which must come in time and be a good one.</summary>
    /// <returns>What it said.</returns>
    public static string Finish(Process process, TimeSpan patience)
    {
        string command = $"{process.StartInfo.FileName} {string.Join(' ', process.StartInfo.ArgumentList)}";
        process.StandardInput.Close();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        if (!process.WaitForExit(patience))
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{command}: not done after {patience.TotalSeconds} s");
        }

        if (process.ExitCode != 0)
            throw new IOException($"{command}: exit {process.ExitCode}: {errors.Result}{output.Result}");
        return output.Result;
    }
}
