// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Globalization;
using ColoWire.Engine;
using ColoWire.Ports;
using ColoWire.Ports.Linux;

namespace ColoWire.Options;

/// <summary>A whole number within a range.</summary>
internal sealed class NumberRow(
    string name,
    string unit,
    Range<int> range,
    Verbs verbs,
    string help,
    Func<ApplianceOptions, int, ApplianceOptions> set,
    string? zeroMeans = null,
    bool alsoZero = false)
    : OptionRow(name, verbs, help)
{
    private bool MayBeZero => alsoZero || zeroMeans != null;

    public override string Unit => unit;

    public override string DefaultText => zeroMeans ?? Text(range.Default);

    public override string Allowed =>
        $"{(MayBeZero ? "0 or " : "")}{Text(range.Minimum)} to {Text(range.Maximum)}{(unit.Length == 0 ? "" : " " + unit)}";

    public override string Placeholder => unit.Length == 0 ? "n" : unit;

    public override string SampleJson => Text(zeroMeans == null ? range.Default : 0);

    public override IReadOnlyList<string> Apply(in OptionValue value, ref ApplianceOptions options)
    {
        bool isNumber = long.TryParse(value.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number);
        if (!isNumber || value.Form is not (ValueForm.Word or ValueForm.Number))
        {
            return [$"{value.Shown} is not a whole number: {Allowed}"];
        }

        if ((number < range.Minimum || number > range.Maximum) && (number != 0 || !MayBeZero))
        {
            return [$"{Text(number)} is out of range: {Allowed}"];
        }

        options = set(options, (int)number);
        return [];
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}

/// <summary>One of several words.</summary>
internal sealed class ChoiceRow(
    string name, IReadOnlyList<string> choices, Verbs verbs, string help, Func<ApplianceOptions, string, ApplianceOptions> set)
    : OptionRow(name, verbs, help)
{
    public override string DefaultText => choices[0];

    public override string Allowed => string.Join(" or ", choices);

    public override string Placeholder => string.Join('|', choices);

    public override string SampleJson => $"\"{choices[0]}\"";

    public override IReadOnlyList<string> Apply(in OptionValue value, ref ApplianceOptions options)
    {
        foreach (string choice in choices)
        {
            if (choice == value.Text && value.Form is ValueForm.Word or ValueForm.Text)
            {
                options = set(options, choice);
                return [];
            }
        }

        return [$"{value.Shown} is unknown: {Allowed}"];
    }
}

/// <summary>True or false.</summary>
internal sealed class FlagRow(string name, Verbs verbs, string help, Func<ApplianceOptions, bool, ApplianceOptions> set)
    : OptionRow(name, verbs, help)
{
    public override string DefaultText => "false";

    public override string Allowed => "true or false";

    public override string Placeholder => "true|false";

    public override string SampleJson => "false";

    public override bool ValueOptional => true;

    public override IReadOnlyList<string> Apply(in OptionValue value, ref ApplianceOptions options)
    {
        if (value.Form is not (ValueForm.Word or ValueForm.Flag) || !bool.TryParse(value.Text, out bool flag))
        {
            return [$"{value.Shown} is neither: {Allowed}"];
        }

        options = set(options, flag);
        return [];
    }
}

/// <summary>A port, which has no default.</summary>
internal sealed class PortRow(
    string name, string sample, Verbs verbs, string help, Func<ApplianceOptions, PortSpec, ApplianceOptions> set)
    : OptionRow(name, verbs, help)
{
    public override string DefaultText => string.Empty;

    public override string Allowed => PortSpec.Allowed;

    public override string Placeholder => "port";

    public override string SampleJson => $"\"{sample}\"";

    public override bool Required => true;

    public override IReadOnlyList<string> Apply(in OptionValue value, ref ApplianceOptions options)
    {
        if (value.Form is not (ValueForm.Word or ValueForm.Text))
        {
            return [$"{value.Shown} is no port: {Allowed}"];
        }

        if (!PortSpec.TryParse(value.Text, out PortSpec? spec, out string? error))
        {
            return [error];
        }

        options = set(options, spec);
        return [];
    }
}

/// <summary>A list of numbers and ranges of CPUs or queues.</summary>
internal sealed class NumberListRow(
    string name,
    NumberedThing thing,
    string defaultText,
    Verbs verbs,
    string help,
    Func<ApplianceOptions, IReadOnlyList<int>, ApplianceOptions> set)
    : OptionRow(name, verbs, help)
{
    public override string DefaultText => defaultText;

    public override string Allowed => $"{thing.Name} numbers and ranges, for example {thing.Example}";

    public override string Placeholder => $"{thing.Name.ToLowerInvariant()}s";

    public override string SampleJson => "[]";

    public override IReadOnlyList<string> Apply(in OptionValue value, ref ApplianceOptions options)
    {
        if (value.Form is not (ValueForm.Word or ValueForm.List or ValueForm.Text)
            || !NumberRanges.TryParse(value.Text, thing.Greatest, out IReadOnlyList<int> numbers))
        {
            return [$"{value.Shown} is not a list of {thing.Name}s: {Allowed}"];
        }

        options = set(options, numbers);
        return [];
    }
}

/// <summary>The kind of things that a list of numbers names.</summary>
/// <param name="Name">The name of one of them.</param>
/// <param name="Greatest">The greatest number that Linux gives to one.</param>
/// <param name="Example">An example of a list.</param>
internal sealed record NumberedThing(string Name, int Greatest, string Example)
{
    /// <summary>CPUs; the kernel's NR_CPUS is 8192 at most.</summary>
    public static readonly NumberedThing Cpu = new("CPU", 8191, "2,4-6");

    /// <summary>Queues of an interface, of which it has 4096 at most (rtnl_create_link of the kernel).</summary>
    public static readonly NumberedThing Queue = new("queue", 4095, "0-3");
}
