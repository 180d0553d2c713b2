// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Globalization;
using System.IO;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace ColoWire.Hosting;

/// <summary>One line for each entry of the log: the time of day, the level where it is not the usual one, the message.</summary>
internal sealed class LineFormatter : ConsoleFormatter
{
    /// <summary>Its name, by which the console logger finds it.</summary>
    public const string FormatterName = "line";

    /// <summary>Makes it.</summary>
    public LineFormatter()
        : base(FormatterName)
    {
    }

    /// <inheritdoc/>
    public override void Write<TState>(in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
    {
        // On a terminal the entry takes the place of the line of counters, which comes back below it.
        string start = StatusLine.IsOnTerminal ? StatusLine.EraseLine : string.Empty;
        string level = logEntry.LogLevel == LogLevel.Information ? string.Empty : Level(logEntry.LogLevel) + ": ";
        string time = DateTime.Now.ToString("HH:mm:ss.fff", CultureInfo.InvariantCulture);
        textWriter.WriteLine($"{start}{time} {level}{logEntry.Formatter(logEntry.State, logEntry.Exception)}");
        if (logEntry.Exception != null)
        {
            textWriter.WriteLine(logEntry.Exception);
        }
    }

    private static string Level(LogLevel level) => level switch
    {
        LogLevel.Warning => "warning",
        LogLevel.Error => "error",
        LogLevel.Critical => "critical",
        _ => "debug",
    };
}
