// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Threading;

namespace ColoWire.Ports.Linux;

/// <summary>How a program ended.</summary>
internal enum ChildEndKind
{
    /// <summary>By itself, with an exit code.</summary>
    Exited,

    /// <summary>By a signal of another process.</summary>
    Signalled,

    /// <summary>It was killed because it exceeded its time.</summary>
    TimedOut,

    /// <summary>It was killed because the wait for it was cancelled.</summary>
    Cancelled,
}

/// <summary>The end of a program.</summary>
/// <param name="How">How it ended.</param>
/// <param name="Code">The exit code, or the signal.</param>
/// <param name="LastLine">The last line of its standard error.</param>
internal readonly record struct ChildEnd(ChildEndKind How, int Code, string LastLine);

/// <summary>
/// A program that runs in a process group of its own and belongs to a <see cref="ChildFamily"/>, so that it can be killed with
/// all its descendants. Its standard input and output are /dev/null; of its standard error the last line is kept.
/// </summary>
internal sealed unsafe class ChildProcess : IDisposable
{
    /// <summary>How often a wait checks whether it was cancelled, in ms.</summary>
    private const int LookIntervalMs = 50;

    /// <summary>How long a killed program may take to end, in ms. One that is in an uninterruptible call of the kernel, on a dead
    /// disk for instance, does not end.</summary>
    private const int KillPatienceMs = 300;

    private const int ReadBytes = 4096;
    private const int LineBytes = 512;
    private const int StandardInput = 0;
    private const int StandardOutput = 1;
    private const int StandardError = 2;
    private const int FirstOtherDescriptor = 3;
    private const string Nothing = "/dev/null";

    private readonly ChildFamily family;
    private readonly int process;
    private readonly int errors;
    private readonly int exit;
    private readonly LastLine lastLine = new(LineBytes);
    private bool errorsEnded;
    private int status;

    private ChildProcess(ChildFamily family, int process, int errors)
    {
        this.family = family;
        this.process = process;
        this.errors = errors;
        exit = Libc.PidDescriptor(process);
    }

    /// <summary>Starts a program.</summary>
    /// <param name="family">The family that it and its descendants belong to.</param>
    /// <param name="path">Its path.</param>
    /// <param name="arguments">Its name and its arguments.</param>
    /// <param name="environment">Its environment, each entry as <c>NAME=value</c>.</param>
    /// <param name="error">Why it could not be started.</param>
    /// <returns>Null where it could not be started.</returns>
    public static ChildProcess? Start(ChildFamily family, string path, string[] arguments, string[] environment, out string error)
    {
        int* ends = stackalloc int[2];
        if (Libc.Pipe(ends, Libc.CloseOnExec | Libc.NonBlocking) != 0)
        {
            error = Marshal.GetLastPInvokeErrorMessage();
            return null;
        }

        int result = Spawn(path, [.. arguments, null], [.. environment, null], ends[1], out int process);
        _ = Libc.Close(ends[1]);
        error = result == 0 ? "" : Marshal.GetPInvokeErrorMessage(result);
        if (result == 0)
        {
            return new ChildProcess(family, process, ends[0]);
        }

        _ = Libc.Close(ends[0]);
        return null;
    }

    /// <summary>Waits until it has ended, and kills it when it exceeds its time. It returns in time whatever the program
    /// does.</summary>
    public ChildEnd Wait(int timeoutMs, CancellationToken cancellation)
    {
        IdleWait both = new([exit, errors]);
        IdleWait exitOnly = new([exit]);
        long startedAt = Stopwatch.GetTimestamp();
        ChildEndKind? killedAs = null;
        while (!HasEnded())
        {
            int leftMs = timeoutMs - (int)Stopwatch.GetElapsedTime(startedAt).TotalMilliseconds;
            killedAs = cancellation.IsCancellationRequested ? ChildEndKind.Cancelled : leftMs <= 0 ? ChildEndKind.TimedOut : null;
            if (killedAs is not null)
            {
                Kill(exitOnly);
                break;
            }

            _ = (errorsEnded ? exitOnly : both).Wait(Math.Min(leftMs, LookIntervalMs));
            ReadErrors(ReadBytes);
        }

        // The capacity of a pipe; a descendant that still runs may go on writing.
        ReadErrors(1 << 16);
        int signal = status & 0x7F;
        ChildEndKind how = killedAs ?? (signal == 0 ? ChildEndKind.Exited : ChildEndKind.Signalled);
        return new ChildEnd(how, signal == 0 ? (status >> 8) & 0xFF : signal, lastLine.ToString());
    }

    /// <summary>Closes the descriptors.</summary>
    public void Dispose()
    {
        _ = Libc.Close(exit);
        _ = Libc.Close(errors);
    }

    private static int Spawn(string path, string?[] arguments, string?[] environment, int errors, out int process)
    {
        void* attributes = stackalloc byte[Libc.SpawnRecordBytes];
        void* actions = stackalloc byte[Libc.SpawnRecordBytes];
        void* signals = stackalloc byte[Libc.SpawnRecordBytes];
        new Span<byte>(attributes, Libc.SpawnRecordBytes).Clear();
        _ = Libc.SpawnAttributes(attributes);
        _ = Libc.AllSignals(signals);
        // The group id in the attributes is 0 at first, which stands for a group of its own, and the signal mask is empty.
        _ = Libc.SetSpawnFlags(attributes, Libc.SpawnSetGroup | Libc.SpawnSetSignalDefaults | Libc.SpawnSetSignalMask);
        _ = Libc.SetSpawnSignalDefaults(attributes, signals);
        _ = Libc.SpawnActions(actions);
        _ = Libc.AddSpawnOpen(actions, StandardInput, Nothing, Libc.ReadOnly, 0);
        _ = Libc.AddSpawnOpen(actions, StandardOutput, Nothing, Libc.WriteOnly, 0);
        _ = Libc.AddSpawnDuplicate(actions, errors, StandardError);
        // Libraries open sockets that a program would inherit, and an AF_XDP queue stays in use as long as any process has its
        // socket.
        _ = Libc.AddSpawnCloseFrom(actions, FirstOtherDescriptor);
        int result = Libc.Spawn(out process, path, actions, attributes, arguments, environment);
        _ = Libc.DestroySpawnActions(actions);
        _ = Libc.DestroySpawnAttributes(attributes);
        return result;
    }

    private bool HasEnded() => Libc.WaitForProcess(process, out status, Libc.DoNotHang) == process;

    private void Kill(IdleWait exitOnly)
    {
        family.EndWith(process);
        long killedAt = Stopwatch.GetTimestamp();
        while (!HasEnded() && Stopwatch.GetElapsedTime(killedAt).TotalMilliseconds < KillPatienceMs)
        {
            _ = exitOnly.Wait(LookIntervalMs);
        }
    }

    /// <summary>Reads what is in the pipe, up to so many bytes.</summary>
    private void ReadErrors(int most)
    {
        byte* bytes = stackalloc byte[ReadBytes];
        nint count;
        for (nint read = 0; read < most && !errorsEnded; read += count)
        {
            count = Libc.Read(errors, bytes, ReadBytes);
            errorsEnded = count == 0;
            if (count <= 0)
            {
                return;
            }

            lastLine.Add(new ReadOnlySpan<byte>(bytes, (int)count));
        }
    }
}
