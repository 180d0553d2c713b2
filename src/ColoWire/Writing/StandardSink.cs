// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Ports.Linux;

namespace ColoWire.Writing;

/// <summary>Writes lines to a standard stream. A line that was cut off, for example by a full disk, is ended before the next
/// one.</summary>
internal sealed class StandardSink(StandardStream stream) : IRecordSink
{
    private bool isCutOff;

    /// <inheritdoc/>
    public bool TryWrite(ReadOnlySpan<byte> record)
    {
        if (isCutOff)
        {
            isCutOff = stream.WriteSome("\n"u8, out _) == 0;
        }

        if (isCutOff)
        {
            return false;
        }

        int written = stream.WriteSome(record, out string? fault);
        isCutOff = fault != null && written != 0;
        return fault == null;
    }
}
