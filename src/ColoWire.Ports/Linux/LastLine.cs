// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Text;

namespace ColoWire.Ports.Linux;

/// <summary>The beginning of the last line of a text of any length.</summary>
/// <param name="longest">Bytes that are kept.</param>
internal sealed class LastLine(int longest)
{
    private readonly byte[] bytes = new byte[longest];
    private int length;
    private bool isOver;

    /// <summary>Adds to the text.</summary>
    public void Add(ReadOnlySpan<byte> text)
    {
        foreach (byte next in text)
        {
            if (next == '\n')
            {
                isOver = true;
                continue;
            }

            length = isOver ? 0 : length;
            isOver = false;
            if (length < bytes.Length)
            {
                bytes[length++] = next;
            }
        }
    }

    /// <summary>The last line that is not empty.</summary>
    public override string ToString() => Encoding.UTF8.GetString(bytes, 0, length);
}
