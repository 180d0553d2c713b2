// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Ports.Linux;

namespace ColoWire.Ports.Files;

/// <summary>The type and the identity of a file, read without opening it.</summary>
public static class FileKind
{
    /// <summary>Whether a path is a regular file or a link to one: no pipe, no device, no directory.</summary>
    public static bool IsRegular(string path) => Libc.IsRegular(path);

    /// <summary>Whether two paths name one file, also by a hard or a symbolic link. A path without a file is the same as
    /// none.</summary>
    public static bool IsSame(string path, string other) =>
        Libc.IdentityOf(path) is { } identity && identity == Libc.IdentityOf(other);
}
