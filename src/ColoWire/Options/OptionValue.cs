// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;

namespace ColoWire.Options;

/// <summary>The form in which a value was written.</summary>
public enum ValueForm
{
    /// <summary>A word of the command line, of any type.</summary>
    Word,

    /// <summary>A JSON string.</summary>
    Text,

    /// <summary>A JSON number.</summary>
    Number,

    /// <summary>JSON <c>true</c> or <c>false</c>.</summary>
    Flag,

    /// <summary>A JSON array. The text has its elements as they are written, separated by commas.</summary>
    List,

    /// <summary>A JSON object or <c>null</c>, which no option takes.</summary>
    Other,
}

/// <summary>A value as the operator has written it, not validated.</summary>
/// <param name="Place">Where it was written.</param>
/// <param name="Text">What was written.</param>
/// <param name="Form">The form in which it was written.</param>
public readonly record struct OptionValue(OptionPlace Place, string Text, ValueForm Form)
{
    /// <summary>The elements of a JSON array.</summary>
    public IReadOnlyList<OptionValue> Elements { get; init; } = [];

    /// <summary>The value for messages.</summary>
    public string Shown => Form switch
    {
        ValueForm.Text or ValueForm.Word => $"'{Text}'",
        ValueForm.List => $"[{Text}]",
        _ => Text,
    };

    /// <summary>The elements of a list: of a JSON array, or of a text with commas.</summary>
    /// <returns>Null when it is no list.</returns>
    public IReadOnlyList<OptionValue>? ReadList()
    {
        if (Form is not (ValueForm.Word or ValueForm.Text))
        {
            return Form == ValueForm.List ? Elements : null;
        }

        List<OptionValue> elements = [];
        foreach (string part in string.IsNullOrWhiteSpace(Text) ? [] : Text.Split(','))
        {
            elements.Add(this with { Text = part.Trim() });
        }

        return elements;
    }
}

/// <summary>Where an option is written: its name there, and the name of the file or <c>command line</c>.</summary>
/// <param name="Name">For example <c>compare_timeout</c> or <c>--compare-timeout</c>.</param>
/// <param name="Source">For example <c>colowire.json</c>.</param>
public readonly record struct OptionPlace(string Name, string Source)
{
    /// <summary>The source of values of the command line.</summary>
    public const string CommandLine = "command line";

    /// <summary>The source of default values.</summary>
    public const string Default = "default";

    /// <summary>Makes a fault of this option.</summary>
    public string Fault(string what) => $"{Name} ({Source}): {what}";
}
