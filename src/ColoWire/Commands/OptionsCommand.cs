// SPDX-License-Identifier: GPL-2.0-or-later

using System.CommandLine;
using ColoWire.Options;

namespace ColoWire.Commands;

/// <summary><c>colowire options</c>: prints the documents that are generated from the option table.</summary>
internal static class OptionsCommand
{
    public static Command Create()
    {
        Option<bool> markdown = new("--markdown") { Description = "The table of the README instead of the sample file." };
        Command command = new("options", "Prints the sample file with every option, its unit, default and range.") { markdown };
        command.Hidden = true;
        command.SetAction(parse =>
        {
            string document = parse.GetValue(markdown) ? OptionDocuments.Markdown() : OptionDocuments.SampleJson();
            parse.InvocationConfiguration.Output.Write(document);
            return 0;
        });
        return command;
    }
}
