// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Globalization;
using System.IO;

namespace ColoWire.Ports.Linux;

/// <summary>The effects of signals on this process (signal(7)) that the runtime does not control.</summary>
public static class ProcessSignals
{
    /// <summary>SIGHUP (asm-generic/signal.h).</summary>
    public const int HangUp = 1;

    /// <summary>SIGUSR1.</summary>
    public const int User1 = 10;

    /// <summary>SIGUSR2.</summary>
    public const int User2 = 12;

    private const int BrokenPipe = 13;
    private const int TerminalOutput = 22;
    private const int FileTooLarge = 25;

    private const string StatusPath = "/proc/self/status";
    private const string IgnoredField = "SigIgn:";
    private const string Terminal = "/dev/tty";

    /// <summary>
    /// Keeps a write from ending or stopping the process: to a pipe without a reader (SIGPIPE), to a file that has reached its
    /// size limit (SIGXFSZ), to a terminal from a background job (SIGTTOU). The call fails instead, or succeeds.
    /// </summary>
    public static void LetNoWriteEndIt()
    {
        foreach (int signal in (ReadOnlySpan<int>)[BrokenPipe, TerminalOutput, FileTooLarge])
        {
            _ = Libc.SetSignalHandler(signal, Libc.IgnoreHandler);
        }
    }

    /// <summary>Whether the process was started with a signal ignored, as nohup(1) does with SIGHUP.</summary>
    public static bool IsIgnored(int signal)
    {
        foreach (string line in File.ReadLines(StatusPath))
        {
            if (line.StartsWith(IgnoredField, StringComparison.Ordinal))
            {
                ReadOnlySpan<char> mask = line.AsSpan(IgnoredField.Length).Trim();
                ulong ignored = ulong.Parse(mask, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
                return ((ignored >> (signal - 1)) & 1) != 0;
            }
        }

        return false;
    }

    /// <summary>Whether the process has a controlling terminal, which may be closed; a service has none.</summary>
    public static bool HasTerminal()
    {
        int terminal = Libc.Open(Terminal, Libc.ReadWrite | Libc.NoControllingTerminal | Libc.CloseOnExec);
        if (terminal < 0)
        {
            return false;
        }

        _ = Libc.Close(terminal);
        return true;
    }

    /// <summary>Ends the process at once, also while its threads wait.</summary>
    /// <param name="code">Its exit code.</param>
    public static void EndNow(int code) => Libc.ExitNow(code);
}
