// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;

namespace ColoWire.Ports.Files;

/// <summary>A capture of frames that are in memory.</summary>
public static class FrameFile
{
    /// <summary>Creates a capture in microseconds, or empties the one that is there.</summary>
    /// <param name="path">The file.</param>
    /// <param name="frames">Their times, in nanoseconds since 1970, and their bytes.</param>
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
