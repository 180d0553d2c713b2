// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using ColoWire.Ports.Streams;

namespace ColoWire.Options;

/// <summary>The path of a unix socket, or none.</summary>
internal sealed class SocketPathRow(
    string name, string sample, Verbs verbs, string help, Func<ApplianceOptions, string?, ApplianceOptions> set)
    : OptionRow(name, verbs, help)
{
    public override string DefaultText => "none";

    public override string Allowed => "a path, or empty for none";

    public override string Placeholder => "path";

    public override string SampleJson => $"\"{sample}\"";

    public override IReadOnlyList<string> Apply(in OptionValue value, ref ApplianceOptions options)
    {
        if (value.Form is not (ValueForm.Word or ValueForm.Text))
        {
            return [$"{value.Shown} is no path: {Allowed}"];
        }

        if (value.Text.Length != 0 && PathError(value.Text) is string error)
        {
            return [$"{value.Shown}: {error}"];
        }

        options = set(options, value.Text.Length == 0 ? null : value.Text);
        return [];
    }

    /// <summary>Checks the path of a unix socket.</summary>
    /// <returns>The fault, or null when the path is valid.</returns>
    internal static string? PathError(string path) =>
        path.Contains('\0') ? "a path has no NUL"
        : StreamEndpoint.TryParse($"unix:{path}", out _, out string? error) ? null
        : error;
}
