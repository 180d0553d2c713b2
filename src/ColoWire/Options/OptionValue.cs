// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;

namespace ColoWire.Options;

/// <summary>In which form a value was written.</summary>
public enum ValueForm
{
    /// <summary>A word of the command line, which may mean anything.</summary>
    Word,

    /// <summary>A JSON string.</summary>
    Text,

    /// <summary>A JSON number.</summary>
    Number,

    /// <summary>JSON <c>true</c> or <c>false</c>.</summary>
    Flag,

    /// <summary>A JSON array; the text holds its elements as they stand there, separated by commas.</summary>
    List,

    /// <summary>A JSON object or <c>null</c>, which no option takes.</summary>
    Other,
}

/// <summary>A value as the operator wrote it, before anybody judged it.</summary>
/// <param name="Place">Where it was written.</param>
/// <param name="Text">What was written.</param>
/// <param name="Form">In which form.</param>
public readonly record struct OptionValue(OptionPlace Place, string Text, ValueForm Form)
{
    /// <summary>The elements of a JSON array.</summary>
    public IReadOnlyList<OptionValue> Elements { get; init; } = [];

    /// <summary>The value as a message shows it.</summary>
    public string Shown => Form switch
    {
        ValueForm.Text or ValueForm.Word => $"'{Text}'",
        ValueForm.List => $"[{Text}]",
        _ => Text,
    };

    /// <summary>The elements of a list, a JSON array or text with commas between them.</summary>
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

/// <summary>Where an option stands: its name as it is written there, and the name of the file or <c>command line</c>.</summary>
/// <param name="Name">For example <c>compare_timeout</c> or <c>--compare-timeout</c>.</param>
/// <param name="Source">For example <c>colowire.json</c>.</param>
public readonly record struct OptionPlace(string Name, string Source)
{
    /// <summary>The source of what was given on the command line.</summary>
    public const string CommandLine = "command line";

    /// <summary>The source of what nobody wrote.</summary>
    public const string Default = "default";

    /// <summary>Makes a fault of this option.</summary>
    public string Fault(string what) => $"{Name} ({Source}): {what}";
}
