// SPDX-License-Identifier: GPL-2.0-or-later

using System;

namespace ColoWire.Ports.Checkpoint;

/// <summary>Splits what QEMU sends into lines; a line that is too long is skipped.</summary>
/// <param name="longest">Bytes of the longest line.</param>
internal sealed class QmpLines(int longest)
{
    private bool isOverlong;

    /// <summary>A new connection begins.</summary>
    public void Reset() => isOverlong = false;

    /// <summary>Takes the line at the front.</summary>
    /// <param name="bytes">What was received.</param>
    /// <param name="line">The line without its end; empty in place of one that is too long.</param>
    /// <param name="taken">The bytes of the line, with its end.</param>
    /// <returns>False when there is no whole line.</returns>
    public bool TryTake(ReadOnlyMemory<byte> bytes, out ReadOnlyMemory<byte> line, out int taken)
    {
        int end = bytes.Span.IndexOf((byte)'\n');
        taken = end + 1;
        line = end < 0 || isOverlong ? default : bytes[..end];
        isOverlong = isOverlong && end < 0;
        return end >= 0;
    }

    /// <summary>Says how many bytes of a line without its end are to be skipped: all, where the line is too long.</summary>
    /// <param name="left">The bytes of the line so far.</param>
    /// <returns>Bytes to skip.</returns>
    public int SkipOverlong(int left)
    {
        isOverlong |= left == longest;
        return isOverlong ? left : 0;
    }
}
