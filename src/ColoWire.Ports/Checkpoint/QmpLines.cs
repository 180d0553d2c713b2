// SPDX-License-Identifier: GPL-2.0-or-later

using System;

namespace ColoWire.Ports.Checkpoint;

/// <summary>Cuts what QEMU says into its lines; one that is too long is left out.</summary>
/// <param name="longest">Bytes of the longest line.</param>
internal sealed class QmpLines(int longest)
{
    private bool isOverlong;

    /// <summary>Another QEMU speaks from now on.</summary>
    public void Reset() => isOverlong = false;

    /// <summary>Takes the line at the front.</summary>
    /// <param name="bytes">What was received.</param>
    /// <param name="line">The line without its end; nothing in the place of one that is too long.</param>
    /// <param name="taken">Its bytes, with its end.</param>
    /// <returns>False when there is no whole line.</returns>
    public bool TryTake(ReadOnlyMemory<byte> bytes, out ReadOnlyMemory<byte> line, out int taken)
    {
        int end = bytes.Span.IndexOf((byte)'\n');
        taken = end + 1;
        line = end < 0 || isOverlong ? default : bytes[..end];
        isOverlong = isOverlong && end < 0;
        return end >= 0;
    }

    /// <summary>What is left without an end of line: where it fills all the room there is, it is the front of a line that is too long.</summary>
    /// <param name="left">Its bytes.</param>
    /// <returns>How many of them to forget.</returns>
    public int SkipOverlong(int left)
    {
        isOverlong |= left == longest;
        return isOverlong ? left : 0;
    }
}
