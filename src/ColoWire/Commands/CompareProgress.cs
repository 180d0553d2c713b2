// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Globalization;
using System.IO;
using ColoWire.Writing;

namespace ColoWire.Commands;

/// <summary>One line on a terminal that rewrites itself while captures are compared.</summary>
/// <param name="terminal">The terminal.</param>
/// <param name="totalBytes">Bytes of both files; 0 when nobody knows (a pipe).</param>
/// <param name="time">The source of the time.</param>
internal sealed class CompareProgress(TextWriter terminal, long totalBytes, TimeProvider time)
{
    /// <summary>Bytes that stand before each frame in a capture file (the pcap format's record header).</summary>
    public const int RecordHeaderBytes = 16;

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    private long shownAt = time.GetTimestamp();
    private bool shown;

    /// <summary>Tells how far it is; the line changes ten times a second at most, and not at all in the first tenth.</summary>
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

    /// <summary>Takes the line away.</summary>
    public void Clear()
    {
        if (shown)
        {
            terminal.Write(TerminalLine.Erase);
            terminal.Flush();
        }
    }
}
