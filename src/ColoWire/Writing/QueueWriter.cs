// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.IO;
using System.Text;

namespace ColoWire.Writing;

/// <summary>Writes text to a queue. A whole line, or the text between two flushes, is one record.</summary>
internal sealed class QueueWriter(OutputQueue queue) : TextWriter
{
    private readonly StringBuilder text = new();

    /// <inheritdoc/>
    public override Encoding Encoding => StandardOutputs.Encoding;

    /// <inheritdoc/>
    public override void Write(char value)
    {
        text.Append(value);
        if (value == '\n')
        {
            Flush();
        }
    }

    /// <inheritdoc/>
    public override void Write(string? value) => Write(value.AsSpan());

    /// <inheritdoc/>
    public override void Write(char[] buffer, int index, int count) => Write(buffer.AsSpan(index, count));

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<char> buffer)
    {
        text.Append(buffer);
        if (buffer.EndsWith('\n'))
        {
            Flush();
        }
    }

    /// <inheritdoc/>
    public override void WriteLine(string? value)
    {
        text.Append(value).Append('\n');
        Flush();
    }

    /// <inheritdoc/>
    public override void Flush()
    {
        if (text.Length != 0)
        {
            queue.Add(Encoding.GetBytes(text.ToString()));
            text.Clear();
        }
    }
}
