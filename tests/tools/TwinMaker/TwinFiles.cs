// SPDX-License-Identifier: GPL-2.0-or-later

using System.IO;

namespace ColoWire.TwinMaker;

/// <summary>The paths of the input and output files.</summary>
/// <param name="Primary">The capture.</param>
/// <param name="Secondary">The output file for its twin.</param>
/// <param name="PrimaryOut">The output file for the primary's frames, or null.</param>
internal sealed record TwinFiles(string Primary, string Secondary, string? PrimaryOut)
{
    /// <summary>Makes sure that no file is written over another one.</summary>
    public void Check()
    {
        if (IsSame(Primary, Secondary))
            throw new BadInputException($"{Secondary}: is PRIMARY itself; SECONDARY must be another file");
        if (PrimaryOut is string path && (IsSame(path, Primary) || IsSame(path, Secondary)))
            throw new BadInputException($"--primary-out {path}: is PRIMARY or SECONDARY itself; it must be another file");
    }

    /// <summary>The path with links resolved, so that a capture with two names is not overwritten.</summary>
    private static bool IsSame(string left, string right) => Final(left) == Final(right);

    private static string Final(string path) =>
        (File.Exists(path) ? File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName : null) ?? Path.GetFullPath(path);
}
