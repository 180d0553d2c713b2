// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using System.Threading;
using System.Threading.Tasks;
using ColoWire.Control;
using ColoWire.Options;
using ColoWire.Tests.Control;
using NUnit.Framework;

namespace ColoWire.Tests.Program;

/// <summary>The built program as a shell starts it, with its streams where a shell can put them.</summary>
internal sealed partial class ShellProgram : IDisposable
{
    public const int HangUp = 1;
    public const int Interrupt = 2;
    public const int Quit = 3;
    public const int User1 = 10;
    public const int User2 = 12;
    public const int Terminate = 15;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Process process;
    private readonly Task<string> output;
    private readonly Task<string> errors;

    private ShellProgram(string script)
    {
        ProcessStartInfo start = new("bash", ["-c", script])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["COLOWIRE"] = Path.Combine(AppContext.BaseDirectory, "colowire.dll");
        process = Process.Start(start) ?? throw new InvalidOperationException("bash does not start");
        output = process.StandardOutput.ReadToEndAsync();
        errors = process.StandardError.ReadToEndAsync();
    }

    public int Id => process.Id;

    /// <summary>Starts a script in which <c>COLOWIRE</c> stands for the program.</summary>
    public static ShellProgram Start(string script) =>
        new(script.Replace("COLOWIRE", "dotnet exec \"$COLOWIRE\"", StringComparison.Ordinal));

    /// <summary>Runs such a script to its end.</summary>
    public static (int Code, string Output, string Errors) Run(string script)
    {
        using ShellProgram program = Start(script);
        return program.Finish();
    }

    /// <summary>Waits until the program has taken its signals: the script must have become the program by exec.</summary>
    public void WaitUntilItTakesSignals() => WaitUntil(() =>
    {
        string? line = File.ReadLines($"/proc/{process.Id}/status")
            .FirstOrDefault(line => line.StartsWith("SigCgt:", StringComparison.Ordinal));
        ulong caught = line is null ? 0 : Convert.ToUInt64(line["SigCgt:".Length..].Trim(), 16);
        return (caught & (1UL << (User2 - 1))) != 0;
    });

    /// <summary>Waits for a condition while the program runs.</summary>
    public void WaitUntil(Func<bool> condition) =>
        Assert.That(
            SpinWait.SpinUntil(() => process.HasExited || condition(), Patience) && !process.HasExited, Is.True, "it has ended");

    /// <summary>Waits until so many frames of the primary wait.</summary>
    /// <param name="socket">The control socket: it answers whatever becomes of the other streams.</param>
    /// <param name="frames">How many.</param>
    public void WaitUntilHeld(string socket, int frames) => WaitUntil(() =>
    {
        try
        {
            return ControlClient.Send(socket, ControlRig.Find("status")).Answer.GetProperty("held").GetInt64() == frames;
        }
        catch (OptionException)
        {
            // Nobody listens there yet.
            return false;
        }
    });

    public void Signal(int signal) => Assert.That(Kill(process.Id, signal), Is.Zero);

    public (int Code, string Output, string Errors) Finish()
    {
        bool ended = process.WaitForExit(Patience);
        if (!ended)
        {
            process.Kill(entireProcessTree: true);
        }

        Assert.That(ended, Is.True, "the program hangs");
        return (process.ExitCode, output.Result, errors.Result);
    }

    public void Dispose()
    {
        if (!process.HasExited)
        {
            process.Kill(entireProcessTree: true);
        }

        process.Dispose();
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
