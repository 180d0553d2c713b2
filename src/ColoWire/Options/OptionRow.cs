// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;

namespace ColoWire.Options;

/// <summary>One option. The command line, the reader of the file, the sample file and the README are made from it.</summary>
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

    /// <summary>Its default for people; empty when it is required.</summary>
    public abstract string DefaultText { get; }

    /// <summary>The allowed values for people.</summary>
    public abstract string Allowed { get; }

    /// <summary>What the help shows in place of a value.</summary>
    public abstract string Placeholder { get; }

    /// <summary>Its default in the sample file.</summary>
    public abstract string SampleJson { get; }

    /// <summary>Whether there is no default.</summary>
    public virtual bool Required => false;

    /// <summary>Whether the command line may name it without a value.</summary>
    public virtual bool ValueOptional => false;

    /// <summary>Whether the command line may name it more than once, each time with further elements of a list.</summary>
    public virtual bool Repeatable => false;

    /// <summary>Validates a value and sets it.</summary>
    /// <param name="value">What the operator wrote.</param>
    /// <param name="options">Receives the value when it is valid.</param>
    /// <returns>The faults; empty when it is valid.</returns>
    public abstract IReadOnlyList<string> Apply(in OptionValue value, ref ApplianceOptions options);
}
