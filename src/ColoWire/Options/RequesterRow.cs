// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using ColoWire.Ports.Checkpoint;

namespace ColoWire.Options;

/// <summary>The requester of checkpoints.</summary>
internal sealed class RequesterRow(
    string name, Verbs verbs, string help, Func<ApplianceOptions, RequesterSpec, ApplianceOptions> set)
    : OptionRow(name, verbs, help)
{
    public override string DefaultText => RequesterSpec.None.ToString();

    public override string Allowed => RequesterSpec.Allowed;

    public override string Placeholder => "requester";

    public override string SampleJson => $"\"{RequesterSpec.None}\"";

    public override IReadOnlyList<string> Apply(in OptionValue value, ref ApplianceOptions options)
    {
        if (value.Form is not (ValueForm.Word or ValueForm.Text))
        {
            return [$"{value.Shown} is no requester: {Allowed}"];
        }

        if (!RequesterSpec.TryParse(value.Text, out RequesterSpec? spec, out string? error))
        {
            return [error];
        }

        options = set(options, spec);
        return [];
    }
}
