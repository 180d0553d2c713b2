// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;

namespace ColoWire.Options;

/// <summary>One option: everything that the command line, the file, the sample and the manual say of it comes from here.</summary>
/// <param name="name">Its name in the file, in snake_case.</param>
/// <param name="verbs">The verbs that take it.</param>
/// <param name="help">What it does, in one sentence.</param>
public abstract class OptionRow(string name, Verbs verbs, string help)
{
    /// <summary>Its name in the file.</summary>
    public string Name { get; } = name;

    /// <summary>The verbs that take it.</summary>
    public Verbs Verbs { get; } = verbs;

    /// <summary>What it does.</summary>
    public string Help { get; } = help;

    /// <summary>Its name on the command line.</summary>
    public string Flag { get; } = "--" + name.Replace('_', '-');

    /// <summary>Its unit; empty where it has none.</summary>
    public virtual string Unit => string.Empty;

    /// <summary>Its default as a person reads it; empty where it is required.</summary>
    public abstract string DefaultText { get; }

    /// <summary>What is allowed, as a person reads it.</summary>
    public abstract string Allowed { get; }

    /// <summary>What the help shows in place of a value.</summary>
    public abstract string Placeholder { get; }

    /// <summary>Its default as it stands in the sample file.</summary>
    public abstract string SampleJson { get; }

    /// <summary>Whether there is no default.</summary>
    public virtual bool Required => false;

    /// <summary>Whether it may stand on the command line without a value.</summary>
    public virtual bool ValueOptional => false;

    /// <summary>Whether it may stand on the command line more than once, each time with more of the list that it is.</summary>
    public virtual bool Repeatable => false;

    /// <summary>Takes a value over.</summary>
    /// <param name="value">What the operator wrote.</param>
    /// <param name="options">Gets the value when it is good.</param>
    /// <returns>What is wrong with it; empty when it is good.</returns>
    public abstract IReadOnlyList<string> Apply(in OptionValue value, ref ApplianceOptions options);
}
