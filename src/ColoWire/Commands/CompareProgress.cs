// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Globalization;
using System.IO;
using ColoWire.Writing;

namespace ColoWire.Commands;

/// <summary>The line on a terminal that shows how much of the captures has been compared.</summary>
/// <param name="terminal">The terminal.</param>
/// <param name="totalBytes">Bytes of both files; 0 when it is not known (a pipe).</param>
/// <param name="time">The source of the time.</param>
internal sealed class CompareProgress(TextWriter terminal, long totalBytes, TimeProvider time)
{
    /// <summary>Bytes of the record header before each frame of a pcap file (draft-ietf-opsawg-pcap, section 5).</summary>
    public const int RecordHeaderBytes = 16;

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    private long shownAt = time.GetTimestamp();
    private bool shown;

    /// <summary>Shows the progress. The line changes ten times a second at most, and appears after a tenth of a second.</summary>
    public void Show(long frames, long bytes)
    {
        if (time.GetElapsedTime(shownAt) < Interval)
        {
            return;
        }

        shownAt = time.GetTimestamp();
        shown = true;
        string share = totalBytes == 0
            ? ""
            : string.Create(CultureInfo.InvariantCulture, $"{Math.Min(100, 100 * bytes / totalBytes)} %, ");
        terminal.Write(string.Create(CultureInfo.InvariantCulture, $"{TerminalLine.Erase}comparing: {share}{frames:N0} frames"));
        terminal.Flush();
    }

    /// <summary>Erases the line.</summary>
    public void Clear()
    {
        if (shown)
        {
            terminal.Write(TerminalLine.Erase);
            terminal.Flush();
        }
    }
}
