// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.IO;
using System.Runtime.InteropServices;
using ColoWire.Ports.Linux;

namespace ColoWire.Ports;

/// <summary>Why a file could not be used, in the words of the kernel or of this program: the runtime's own messages are whole
/// sentences that repeat the path.</summary>
public static class IoFault
{
    internal const string NoSuchFile = "no such file or directory";

    /// <summary>Error numbers of Linux are less (linux/err.h); greater values are HRESULTs of the runtime.</summary>
    private const int MostErrorNumber = 4095;

    /// <summary>The reason, without the path and without a full stop.</summary>
    public static string Reason(Exception exception)
    {
        ArgumentNullException.ThrowIfNull(exception);
        return exception switch
        {
            FileNotFoundException or DirectoryNotFoundException => NoSuchFile,
            UnauthorizedAccessException => "permission denied",
            PathTooLongException => "the path is too long",
            ArgumentException => "no path is given",
            IOException { HResult: Libc.TryAgain } => "another program has it locked",
            IOException { HResult: > 0 and <= MostErrorNumber } => Marshal.GetPInvokeErrorMessage(exception.HResult),
            _ => exception.Message.ReplaceLineEndings(" ").Trim().TrimEnd('.'),
        };
    }
}
