// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Ports.Linux;

namespace ColoWire.Ports.Files;

/// <summary>What a path is, found without opening it.</summary>
public static class FileKind
{
    /// <summary>Whether it is an ordinary file, or a link to one: no pipe, no device, no folder.</summary>
    public static bool IsRegular(string path) => Libc.IsRegular(path);
}
