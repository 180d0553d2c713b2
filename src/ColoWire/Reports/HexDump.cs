// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.IO;
using System.Text;

namespace ColoWire.Reports;

/// <summary>Bytes of a frame, sixteen a line, one of them marked with brackets. A line is at most 75 characters long.</summary>
internal static class HexDump
{
    /// <summary>The value of the mark for no mark.</summary>
    public const int NoMark = -1;

    private const int BytesPerLine = 16;

    /// <summary>Writes a part of a frame.</summary>
    /// <param name="writer">Where it is written.</param>
    /// <param name="bytes">The part.</param>
    /// <param name="offset">Offset in the frame of its first byte.</param>
    /// <param name="mark">Offset in the frame of the byte to mark; the byte after the last is shown as missing.</param>
    public static void Write(TextWriter writer, ReadOnlySpan<byte> bytes, int offset, int mark)
    {
        int cells = mark == offset + bytes.Length ? bytes.Length + 1 : bytes.Length;
        for (int start = 0; start < cells; start += BytesPerLine)
        {
            WriteLine(writer, bytes[start..Math.Min(bytes.Length, start + BytesPerLine)], offset + start, mark);
        }
    }

    private static void WriteLine(TextWriter writer, ReadOnlySpan<byte> bytes, int offset, int mark)
    {
        StringBuilder line = new();
        line.Append(System.Globalization.CultureInfo.InvariantCulture, $"    {offset:x4} ");
        for (int i = 0; i <= BytesPerLine; i++)
        {
            bool opens = offset + i == mark && i < BytesPerLine;
            bool closes = offset + i - 1 == mark && i > 0;
            line.Append(opens ? '[' : closes ? ']' : ' ');
            if (i < BytesPerLine)
            {
                line.Append(i < bytes.Length ? bytes[i].ToString("x2", null) : opens ? "--" : "  ");
            }
        }

        line.Append(' ');
        foreach (byte value in bytes)
        {
            line.Append(value is >= 0x20 and < 0x7F ? (char)value : '.');
        }

        writer.WriteLine(line.ToString().TrimEnd(' '));
    }
}
