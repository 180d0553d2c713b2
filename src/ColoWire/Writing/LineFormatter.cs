// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Globalization;
using System.IO;
using Microsoft.Extensions.Logging;

namespace ColoWire.Writing;

/// <summary>Formats a log entry as a line: the time of day, the level unless it is Information, the message.</summary>
/// <param name="forJournal">Whether systemd's journal reads the lines.</param>
/// <param name="time">The source of the time.</param>
internal sealed class LineFormatter(bool forJournal, TimeProvider time)
{
    /// <summary>Writes an entry.</summary>
    public void Write(LogLevel level, string text, Exception? exception, TextWriter writer)
    {
        if (exception != null)
        {
            text = $"{text}{Environment.NewLine}{exception}";
        }

        if (forJournal)
        {
            // sd-daemon(3): each line begins with its level; the journal adds the time.
            string prefix = $"<{JournalLevel(level)}>";
            writer.WriteLine(prefix + text.ReplaceLineEndings("\n" + prefix));
            return;
        }

        // On a terminal the entry replaces the line of counters, which is written again below it.
        string start = TerminalLine.IsSharedWithLog ? TerminalLine.Erase : string.Empty;
        string now = time.GetLocalNow().ToString("HH:mm:ss.fff", CultureInfo.InvariantCulture);
        writer.WriteLine($"{start}{now} {Level(level)}{text}");
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
