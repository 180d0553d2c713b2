// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using System.Net.NetworkInformation;
using ColoWire.Engine;
using ColoWire.Reports;

namespace ColoWire.Options;

/// <summary>A list, empty by default, whose elements are validated one by one.</summary>
internal abstract class ListRow<T>(
    string name, Verbs verbs, string help, Func<ApplianceOptions, IReadOnlyList<T>, ApplianceOptions> set)
    : OptionRow(name, verbs, help)
{
    public override string DefaultText => "none";

    public override string SampleJson => "[]";

    public override bool Repeatable => true;

    public override IReadOnlyList<string> Apply(in OptionValue value, ref ApplianceOptions options)
    {
        if (value.ReadList() is not { } elements)
        {
            return [$"{value.Shown} is no list: {Allowed}"];
        }

        List<T> taken = [];
        List<string> faults = [];
        for (int i = 0; i < elements.Count; i++)
        {
            if (Take(elements[i], i + 1, taken) is { } fault)
            {
                faults.Add(fault);
            }
        }

        if (faults.Count == 0)
        {
            options = set(options, taken);
        }

        return faults;
    }

    /// <summary>Validates an element and adds it.</summary>
    /// <param name="element">What the operator wrote.</param>
    /// <param name="number">Its place in the list, from 1.</param>
    /// <param name="taken">The valid elements before it; receives this one when it is valid.</param>
    /// <returns>The fault, or null.</returns>
    protected abstract string? Take(in OptionValue element, int number, List<T> taken);
}

/// <summary>Names of the tolerated header fields that are promoted to divergences.</summary>
internal sealed class ToleratedFieldListRow(
    string name, Verbs verbs, string help, Func<ApplianceOptions, IReadOnlyList<ToleratedField>, ApplianceOptions> set)
    : ListRow<ToleratedField>(name, verbs, help, set)
{
    // The values from SecondaryOverlap on are no header fields: there one side contradicts itself, not the other side.
    private static readonly Dictionary<string, ToleratedField> Fields = Enum.GetValues<ToleratedField>()
        .Where(field => field < ToleratedField.SecondaryOverlap)
        .ToDictionary(CounterNames.Of);

    public override string Allowed => string.Join(", ", Fields.Keys);

    public override string Placeholder => "fields";

    protected override string? Take(in OptionValue element, int number, List<ToleratedField> taken)
    {
        if (element.Form is not (ValueForm.Word or ValueForm.Text) || !Fields.TryGetValue(element.Text, out ToleratedField field))
        {
            return $"{element.Shown} is unknown: {Allowed}";
        }

        if (taken.Contains(field))
        {
            return $"{element.Shown} is given twice; once is allowed";
        }

        taken.Add(field);
        return null;
    }
}

/// <summary>MAC addresses of single stations.</summary>
internal sealed class AddressListRow(
    string name, Verbs verbs, string help, Func<ApplianceOptions, IReadOnlyList<ulong>, ApplianceOptions> set)
    : ListRow<ulong>(name, verbs, help, set)
{
    private const int AddressBytes = 6;
    private const int GroupBit = 1;

    public override string Allowed =>
        $"up to {EngineLimits.GuestAddresses} MAC addresses, for example 52:54:00:12:34:56; no group address";

    public override string Placeholder => "addresses";

    protected override string? Take(in OptionValue element, int number, List<ulong> taken)
    {
        byte[] bytes = element.Form is ValueForm.Word or ValueForm.Text
            && PhysicalAddress.TryParse(element.Text, out PhysicalAddress? address) ? address.GetAddressBytes() : [];
        if (bytes.Length != AddressBytes || (bytes[0] & GroupBit) != 0 || taken.Count == EngineLimits.GuestAddresses)
        {
            return $"{element.Shown}: allowed are {Allowed}";
        }

        taken.Add(bytes.Aggregate(0UL, (sum, value) => (sum << 8) | value));
        return null;
    }
}

/// <summary>Rules, each a sentence for <see cref="PolicyReader"/>. The first rule that matches a flow applies.</summary>
internal sealed class PolicyListRow(
    string name, Verbs verbs, string help, Func<ApplianceOptions, IReadOnlyList<PolicySentence>, ApplianceOptions> set)
    : ListRow<PolicySentence>(name, verbs, help, set)
{
    public override string Allowed => $"{PolicyReader.Grammar}, for example pass udp port 123";

    public override string Placeholder => "rules";

    protected override string? Take(in OptionValue element, int number, List<PolicySentence> taken)
    {
        if (element.Form is not (ValueForm.Word or ValueForm.Text))
        {
            return $"rule {number}, {element.Shown}: no text: {Allowed}";
        }

        PolicyReader reader = new(element.Text);
        string? fault = reader.Read();
        if (fault == null)
        {
            PolicySentence sentence = new(number, element.Text, reader.Rule, reader.Network);
            PolicySentence? wider = taken.Find(earlier => earlier.Covers(sentence));
            fault = wider == null ? null : Unreachable(wider);
            taken.Add(sentence);
        }

        return fault == null ? null : $"rule {number}, {element.Shown}: {fault}";
    }

    private static string Unreachable(PolicySentence wider) =>
        $"can never match: rule {wider.Number}, '{wider.Text}', takes all that it would; put this one first, or leave it out";
}
