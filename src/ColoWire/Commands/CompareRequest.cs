// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.IO;
using ColoWire.Engine;
using ColoWire.Options;
using ColoWire.Ports.Files;

namespace ColoWire.Commands;

/// <summary>What <c>colowire compare</c> is asked for.</summary>
/// <param name="PrimaryPath">The primary's capture.</param>
/// <param name="SecondaryPath">The secondary's capture.</param>
/// <param name="Engine">Validated options.</param>
internal sealed record CompareRequest(string PrimaryPath, string SecondaryPath, EngineOptions Engine)
{
    /// <summary>Where to keep the released frames, or null.</summary>
    public string? OutPath { get; init; }

    /// <summary>Whether the result is written for a program.</summary>
    public bool Json { get; init; }

    /// <summary>Whether the secondary's clock is shifted so that both captures start together.</summary>
    public bool Align { get; init; }

    /// <summary>How many divergences are shown with their bytes.</summary>
    public int Show { get; init; }

    /// <summary>The source of the time.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Makes sure that writing the output destroys neither capture.</summary>
    /// <exception cref="OptionException">It would.</exception>
    public void CheckOutPath()
    {
        foreach (string input in (ReadOnlySpan<string>)[PrimaryPath, SecondaryPath])
        {
            if (OutPath is not null && IsSameFile(input, OutPath))
            {
                throw new OptionException(
                    $"--out (command line): '{OutPath}' is the capture '{input}' itself, or a program has it locked; "
                    + "a file of its own is needed");
            }
        }
    }

    // Names say nothing, there are links of two kinds. But an advisory lock belongs to the file: whoever shares it for reading
    // cannot also have it alone.
    private static bool IsSameFile(string input, string output)
    {
        // A pipe is no capture, and whoever opens one to look at it ends it for its reader.
        if (!FileKind.IsRegular(input) || !FileKind.IsRegular(output))
        {
            return false;
        }

        try
        {
            using FileStream shared = new(input, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
            return !CanLock(output);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // It cannot even be read; the port says why.
            return false;
        }
    }

    private static bool CanLock(string path)
    {
        try
        {
            using FileStream alone = new(path, FileMode.Open, FileAccess.Write, FileShare.None, bufferSize: 0);
            return true;
        }
        catch (UnauthorizedAccessException)
        {
            // It cannot be written; the port says so.
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }
}
