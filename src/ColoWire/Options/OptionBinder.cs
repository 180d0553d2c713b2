// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.CommandLine;
using System.CommandLine.Parsing;
using System.Linq;

namespace ColoWire.Options;

/// <summary>Makes the options of one verb from the <see cref="OptionTable"/>, and reads them.</summary>
public sealed class OptionBinder
{
    private readonly Verbs verb;
    private readonly Dictionary<OptionRow, Option<string[]>> options = [];
    private readonly Option<string[]> config = Make(
        "--config", "Read options from a JSON file; the command line overrides it.", "file");

    /// <summary>Makes the options that a verb takes.</summary>
    /// <param name="verb">The verb.</param>
    public OptionBinder(Verbs verb)
    {
        this.verb = verb;
        foreach (OptionRow row in OptionTable.Rows)
        {
            if ((row.Verbs & verb) != 0)
            {
                options.Add(row, Make(row.Flag, Describe(row), row.Placeholder));
            }
        }
    }

    /// <summary>Adds the options to the verb's command, whose parsing then reports each of their faults.</summary>
    public void AddTo(Command command)
    {
        command.Options.Add(config);
        foreach (Option<string[]> option in options.Values)
        {
            command.Options.Add(option);
        }

        command.Validators.Add(result =>
        {
            try
            {
                Bind(result.GetResult, MachineFacts.Read());
            }
            catch (OptionException exception)
            {
                foreach (string fault in exception.Faults)
                {
                    result.AddError(fault);
                }
            }
        });
    }

    /// <summary>Reads file and command line.</summary>
    /// <exception cref="OptionException">There are faults; it contains all of them.</exception>
    public ApplianceOptions Bind(ParseResult parse) => Bind(parse, MachineFacts.Read());

    /// <summary>Reads file and command line for a given machine.</summary>
    internal ApplianceOptions Bind(ParseResult parse, MachineFacts machine) => Bind(parse.GetResult, machine);

    private ApplianceOptions Bind(Func<Option, OptionResult?> find, MachineFacts machine)
    {
        List<string> faults = [];
        Dictionary<OptionRow, OptionValue> values = [];
        bool allRead = Word(find(config), "a file is needed", repeatable: false, faults) is not string path
            || ConfigFile.Read(path, values, faults);

        foreach ((OptionRow row, Option<string[]> option) in options)
        {
            OptionResult? result = find(option);
            string? word = row.ValueOptional && result is { Implicit: false, Tokens.Count: 0 }
                ? "true"
                : Word(result, row.Allowed, row.Repeatable, faults);
            if (word != null)
            {
                values[row] = new OptionValue(new OptionPlace(row.Flag, OptionPlace.CommandLine), word, ValueForm.Word);
            }
        }

        return new OptionValidator(verb, machine, values) { AllRead = allRead }.Validate(faults);
    }

    // Any number of values is accepted here: for a missing or a second value System.CommandLine would report neither the place
    // nor the allowed values.
    private static Option<string[]> Make(string name, string description, string placeholder) => new(name)
    {
        Description = description,
        HelpName = placeholder,
        Arity = ArgumentArity.ZeroOrMore,
    };

    private static string? Word(OptionResult? result, string allowed, bool repeatable, List<string> faults)
    {
        if (result is not { Implicit: false })
        {
            return null;
        }

        OptionPlace place = new(result.Option.Name, OptionPlace.CommandLine);
        switch (result.Tokens)
        {
            case [Token only]:
                return only.Value;
            case []:
                faults.Add(place.Fault($"its value is missing: {allowed}"));
                return null;
            default:
                if (repeatable)
                {
                    return string.Join(',', result.Tokens.Select(token => token.Value));
                }

                faults.Add(place.Fault("is given more than once; once is allowed"));
                return null;
        }
    }

    private static string Describe(OptionRow row)
    {
        string tail = row.Required ? $"Required: {row.Allowed}." : $"Default: {row.DefaultText}. Allowed: {row.Allowed}.";
        return $"{row.Help} {tail}";
    }
}
