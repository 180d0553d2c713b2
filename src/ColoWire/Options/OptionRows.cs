// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Globalization;
using ColoWire.Engine;
using ColoWire.Ports;

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

    public override string Allowed => $"{(MayBeZero ? "0 or " : "")}{Text(range.Minimum)} to {Text(range.Maximum)}{(unit.Length == 0 ? "" : " " + unit)}";

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

/// <summary>One word out of a few.</summary>
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

/// <summary>On or off.</summary>
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
internal sealed class PortRow(string name, string sample, Verbs verbs, string help, Func<ApplianceOptions, PortSpec, ApplianceOptions> set)
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

/// <summary>Numbers of CPUs, as a list of numbers and ranges.</summary>
internal sealed class CpuListRow(string name, Verbs verbs, string help, Func<ApplianceOptions, IReadOnlyList<int>, ApplianceOptions> set)
    : OptionRow(name, verbs, help)
{
    /// <summary>The greatest number that Linux gives to a CPU (its NR_CPUS is 8192 at most).</summary>
    private const int MaxCpu = 8191;

    public override string DefaultText => "the highest-numbered CPU allowed";

    public override string Allowed => "CPU numbers and ranges, for example 2,4-6";

    public override string Placeholder => "cpus";

    public override string SampleJson => "[]";

    public override IReadOnlyList<string> Apply(in OptionValue value, ref ApplianceOptions options)
    {
        List<int> cores = [];
        if (value.Form is not (ValueForm.Word or ValueForm.List or ValueForm.Text) || !TryRead(value.Text, cores))
        {
            return [$"{value.Shown} is not a list of CPUs: {Allowed}"];
        }

        options = set(options, cores);
        return [];
    }

    private static bool TryRead(string text, List<int> cores)
    {
        foreach (string part in text.Split(',', StringSplitOptions.TrimEntries))
        {
            if (part.Length == 0 && text.Trim().Length == 0)
            {
                return true;
            }

            string[] ends = part.Split('-', 2);
            if (!TryReadCpu(ends[0], out int first) || !TryReadCpu(ends[^1], out int last) || last < first)
            {
                return false;
            }

            for (int cpu = first; cpu <= last; cpu++)
            {
                cores.Add(cpu);
            }
        }

        return true;
    }

    private static bool TryReadCpu(string text, out int cpu) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out cpu) && cpu <= MaxCpu;
}
