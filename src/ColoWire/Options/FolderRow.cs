// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;

namespace ColoWire.Options;

/// <summary>The path of a folder, or none.</summary>
internal sealed class FolderRow(
    string name, string sample, Verbs verbs, string help, Func<ApplianceOptions, string?, ApplianceOptions> set)
    : OptionRow(name, verbs, help)
{
    public override string DefaultText => "none";

    public override string Allowed => "a folder, or empty for none";

    public override string Placeholder => "folder";

    public override string SampleJson => $"\"{sample}\"";

    public override IReadOnlyList<string> Apply(in OptionValue value, ref ApplianceOptions options)
    {
        if (value.Form is not (ValueForm.Word or ValueForm.Text))
        {
            return [$"{value.Shown} is no folder: {Allowed}"];
        }

        if (value.Text.Contains('\0'))
        {
            return [$"{value.Shown}: a path has no NUL"];
        }

        options = set(options, value.Text.Length == 0 ? null : value.Text);
        return [];
    }
}
