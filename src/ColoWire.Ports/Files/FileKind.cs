// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Ports.Linux;

namespace ColoWire.Ports.Files;

/// <summary>The type of a file, read without opening it.</summary>
public static class FileKind
{
    /// <summary>Whether a path is a regular file or a link to one: no pipe, no device, no directory.</summary>
    public static bool IsRegular(string path) => Libc.IsRegular(path);
}
