// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;

namespace ColoWire.Ports.Files;

/// <summary>Writes frames that are in memory to a capture.</summary>
public static class FrameFile
{
    /// <summary>Creates a capture with timestamps in microseconds, or truncates the one that exists.</summary>
    /// <param name="path">The file.</param>
    /// <param name="frames">Timestamps, in nanoseconds since 1970, and bytes of the frames.</param>
    /// <exception cref="PortException">It cannot be written.</exception>
    public static unsafe void Write(string path, IEnumerable<(long TimestampNs, byte[] Bytes)> frames)
    {
        using DumpDevice device = CaptureFile.OpenWrite(path, nanoseconds: false);
        foreach ((long timestampNs, byte[] bytes) in frames)
        {
            fixed (byte* first = bytes)
            {
                Check(path, device.Append(timestampNs, first, bytes.Length));
            }
        }

        Check(path, device.Flush());
    }

    private static void Check(string path, string? reason)
    {
        if (reason is not null)
        {
            throw new PortException($"cannot write capture '{path}': {reason}");
        }
    }
}
