// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine;
using ColoWire.Options;
using ColoWire.Ports.Files;

namespace ColoWire.Commands;

/// <summary>The arguments of <c>colowire compare</c>.</summary>
/// <param name="PrimaryPath">The primary's capture.</param>
/// <param name="SecondaryPath">The secondary's capture.</param>
/// <param name="Engine">Validated options.</param>
internal sealed record CompareRequest(string PrimaryPath, string SecondaryPath, EngineOptions Engine)
{
    /// <summary>The capture file to which the released frames are written, or null.</summary>
    public string? OutPath { get; init; }

    /// <summary>The capture of what clients sent, or null.</summary>
    public string? WorldPath { get; init; }

    /// <summary>The capture file to which the clients' frames are written as the secondary would have received them, or
    /// null.</summary>
    public string? OutSecondaryPath { get; init; }

    /// <summary>Whether the result is written as JSON.</summary>
    public bool Json { get; init; }

    /// <summary>Whether the secondary's clock is shifted so that both captures start together.</summary>
    public bool Align { get; init; }

    /// <summary>How many divergences are shown with their bytes.</summary>
    public int Show { get; init; }

    /// <summary>The source of the time.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Makes sure that writing the output destroys no capture.</summary>
    /// <exception cref="OptionException">An output file is one of the captures.</exception>
    public void CheckOutPaths()
    {
        Check("--out", OutPath, OutSecondaryPath);
        Check("--out-secondary", OutSecondaryPath, OutPath);
    }

    private void Check(string option, string? output, string? otherOutput)
    {
        foreach (string? input in (ReadOnlySpan<string?>)[PrimaryPath, SecondaryPath, WorldPath, otherOutput])
        {
            if (output is not null && input is not null && (input == output || FileKind.IsSame(input, output)))
            {
                throw new OptionException(
                    $"{option} (command line): '{output}' is the capture '{input}' itself; a file of its own is needed");
            }
        }
    }
}
