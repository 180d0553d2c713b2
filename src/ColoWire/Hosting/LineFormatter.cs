// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Globalization;
using System.IO;
using Microsoft.Extensions.Hosting.Systemd;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace ColoWire.Hosting;

/// <summary>One line for each entry of the log: the time of day, the level where it is not the usual one, the message.</summary>
internal sealed class LineFormatter : ConsoleFormatter
{
    /// <summary>Its name, by which the console logger finds it.</summary>
    public const string FormatterName = "line";

    private readonly bool forJournal;

    /// <summary>Makes the one that fits where the process was started.</summary>
    public LineFormatter()
        : this(SystemdHelpers.IsSystemdService())
    {
    }

    /// <summary>Makes one.</summary>
    /// <param name="forJournal">Whether systemd's journal reads the lines.</param>
    internal LineFormatter(bool forJournal)
        : base(FormatterName) => this.forJournal = forJournal;

    /// <inheritdoc/>
    public override void Write<TState>(in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
    {
        string text = logEntry.Formatter(logEntry.State, logEntry.Exception);
        if (logEntry.Exception != null)
        {
            text = $"{text}{Environment.NewLine}{logEntry.Exception}";
        }

        if (forJournal)
        {
            // sd-daemon(3): each line bears its level; the journal adds the time.
            string prefix = $"<{JournalLevel(logEntry.LogLevel)}>";
            textWriter.WriteLine(prefix + text.ReplaceLineEndings("\n" + prefix));
            return;
        }

        // On a terminal the entry takes the place of the line of counters, which comes back below it.
        string start = StatusLine.IsOnTerminal ? StatusLine.EraseLine : string.Empty;
        string time = DateTime.Now.ToString("HH:mm:ss.fff", CultureInfo.InvariantCulture);
        textWriter.WriteLine($"{start}{time} {Level(logEntry.LogLevel)}{text}");
    }

    private static string Level(LogLevel level) => level switch
    {
        LogLevel.Information => string.Empty,
        LogLevel.Warning => "warning: ",
        LogLevel.Error => "error: ",
        LogLevel.Critical => "critical: ",
        _ => "debug: ",
    };

    /// <summary>The levels of syslog(3).</summary>
    private static int JournalLevel(LogLevel level) => level switch
    {
        LogLevel.Information => 6,
        LogLevel.Warning => 4,
        LogLevel.Error => 3,
        LogLevel.Critical => 2,
        _ => 7,
    };
}
