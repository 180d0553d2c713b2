// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.IO;
using System.Linq;
using ColoWire.Commands;
using ColoWire.Options;
using ColoWire.Ports;
using ColoWire.Ports.Linux;
using ColoWire.Reports;
using ColoWire.Writing;

namespace ColoWire;

/// <summary>The command line: its commands, and how faults are reported.</summary>
internal static class Cli
{
    /// <summary>Runs a command line.</summary>
    /// <returns>The exit code.</returns>
    public static int Run(string[] arguments, StandardOutputs outputs, TimeProvider time)
    {
        TextWriter errors = outputs.Errors;
        ParseResult parse = Root(outputs, time).Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
        try
        {
            CheckWords(parse);
            int code = parse.Invoke(new InvocationConfiguration
            {
                EnableDefaultExceptionHandler = false,
                // The host handles signals itself: it stops the capture, flushes, and reports.
                ProcessTerminationTimeout = null,
                Output = outputs.Output,
                Error = errors,
            });
            outputs.Output.Flush();
            return code;
        }
        catch (OutputException exception)
        {
            errors.WriteLine($"colowire: {exception.Message}; the output is lost");
            return ExitCodes.NotWritten;
        }
        catch (OptionException exception)
        {
            foreach (string fault in exception.Faults)
            {
                errors.WriteLine($"colowire: {OneLine(fault)}");
            }

            return ExitCodes.BadInput;
        }
        catch (PortException exception)
        {
            errors.WriteLine($"colowire: {OneLine(exception.Message)}");
            return ExitCodes.BadInput;
        }
    }

    private static RootCommand Root(StandardOutputs outputs, TimeProvider time)
    {
        return new RootCommand(
            "ColoWire compares the traffic of two replicas and lets the primary's out when the secondary's agrees.")
        {
            RunCommand.Create(Options.Verbs.Run, outputs, time),
            RunCommand.Create(Options.Verbs.Observe, outputs, time),
            CompareCommand.Create(time),
            InterfacesCommand.Create(),
            CtlCommand.Create(),
            OptionsCommand.Create(),
        };
    }

    private static void CheckWords(ParseResult parse)
    {
        Command command = parse.CommandResult.Command;
        List<string> faults = [];
        foreach (string word in parse.UnmatchedTokens)
        {
            faults.Add($"{word} ({OptionPlace.CommandLine}): {Unknown(command, word)}");
        }

        foreach (ParseError error in parse.Errors)
        {
            string message = error.Message.ReplaceLineEndings(" ");
            bool isReported = parse.UnmatchedTokens.Any(word => message.Contains($"'{word}'", StringComparison.Ordinal));
            if (!isReported && command.Subcommands.Count == 0)
            {
                // Faults of options name their place already; messages of System.CommandLine do not.
                faults.Add(error.SymbolResult is CommandResult ? message : $"{OptionPlace.CommandLine}: {message}");
            }
        }

        if (faults.Count == 0 && parse.Errors.Count != 0)
        {
            faults.Add($"{OptionPlace.CommandLine}: a verb is missing: {string.Join(", ", Verbs(command))} (colowire --help)");
        }

        if (faults.Count != 0)
        {
            throw new OptionException(faults);
        }
    }

    private static string Unknown(Command command, string word)
    {
        bool isOption = word.StartsWith('-');
        string[] known = isOption ? [.. command.Options.Select(option => option.Name)] : [.. Verbs(command)];
        if (known.Length == 0)
        {
            return "nothing more is expected";
        }

        string nearest = $"unknown; the nearest known one is '{EditDistance.Nearest(word, known)}'";
        return isOption ? nearest : $"{nearest} of {string.Join(", ", known)}";
    }

    /// <summary>A fault as one line: names in it, for example of files, can contain control characters.</summary>
    private static string OneLine(string fault) => string.Concat(
        fault.Select(c => char.IsControl(c) ? string.Create(CultureInfo.InvariantCulture, $"\\x{(int)c:x2}") : $"{c}"));

    private static IEnumerable<string> Verbs(Command command) =>
        command.Subcommands.Where(verb => !verb.Hidden).Select(verb => verb.Name);
}
