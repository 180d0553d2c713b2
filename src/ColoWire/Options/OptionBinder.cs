// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using System.CommandLine;
using System.CommandLine.Parsing;

namespace ColoWire.Options;

/// <summary>Joins the <see cref="OptionTable"/> to one verb of the command line.</summary>
public sealed class OptionBinder
{
    private readonly Verbs verb;
    private readonly Dictionary<OptionRow, Option<string>> options = [];
    private readonly Option<string> config = new("--config")
    {
        Description = "Read options from a JSON file; the command line overrides it.",
        HelpName = "file",
    };

    /// <summary>Makes the options that a verb takes.</summary>
    /// <param name="verb">The verb.</param>
    public OptionBinder(Verbs verb)
    {
        this.verb = verb;
        foreach (OptionRow row in OptionTable.Rows)
        {
            if ((row.Verbs & verb) != 0)
            {
                options.Add(row, new Option<string>(row.Flag)
                {
                    Description = Describe(row),
                    HelpName = row.Placeholder,
                    Arity = row.ValueOptional ? ArgumentArity.ZeroOrOne : ArgumentArity.ExactlyOne,
                });
            }
        }
    }

    /// <summary>Gives them to the verb's command.</summary>
    public void AddTo(Command command)
    {
        command.Options.Add(config);
        foreach (Option<string> option in options.Values)
        {
            command.Options.Add(option);
        }
    }

    /// <summary>Reads file and command line.</summary>
    /// <exception cref="OptionException">Something is wrong; it says everything that is.</exception>
    public ApplianceOptions Bind(ParseResult parse) => Bind(parse, MachineFacts.Read());

    /// <summary>Reads file and command line for a given machine.</summary>
    internal ApplianceOptions Bind(ParseResult parse, MachineFacts machine)
    {
        List<string> faults = [];
        Dictionary<OptionRow, OptionValue> values = [];
        if (parse.GetResult(config) is { Implicit: false, Tokens: [Token path, ..] })
        {
            ConfigFile.Read(path.Value, values, faults);
        }

        foreach ((OptionRow row, Option<string> option) in options)
        {
            if (parse.GetResult(option) is { Implicit: false } result)
            {
                string text = result.Tokens.Count == 0 ? "true" : result.Tokens[^1].Value;
                values[row] = new OptionValue(new OptionPlace(row.Flag, OptionPlace.CommandLine), text, ValueForm.Word);
            }
        }

        return new OptionValidator(verb, machine, values).Validate(faults);
    }

    private static string Describe(OptionRow row)
    {
        string tail = row.Required ? $"Required: {row.Allowed}." : $"Default: {row.DefaultText}. Allowed: {row.Allowed}.";
        return $"{row.Help} {tail}";
    }
}
