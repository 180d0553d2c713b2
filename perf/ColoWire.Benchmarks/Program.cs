// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.CommandLine;
using System.CommandLine.Parsing;
using ColoWire.Benchmarks.Hostile;
using ColoWire.Benchmarks.Micro;
using ColoWire.Benchmarks.Rows;
using ColoWire.Benchmarks.Shards;
using ColoWire.Benchmarks.Widths;
using ColoWire.Figures;

namespace ColoWire.Benchmarks;

/// <summary>Measures the engine in memory, and prints its own rows and those of other programs as one table.</summary>
internal static class Program
{
    private const int BadInput = 2;

    private static int Main(string[] arguments)
    {
        RootCommand root = new("Measures ColoWire's engine in memory, and prints rows of figures as one table.")
        {
            ShardCommand.Create(),
            HostileCommand.Create(),
            MicroCommand.Create(),
            TableCommand.Create(),
            AgainstCommand.Create(),
            WidthCommand.Create(),
        };
        ParseResult parse = root.Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parse.Errors.Count != 0)
        {
            foreach (ParseError error in parse.Errors)
            {
                Console.Error.WriteLine($"benchmarks: {error.Message.ReplaceLineEndings(" ")}");
            }

            return BadInput;
        }

        try
        {
            return parse.Invoke(
                new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
        }
        catch (BadInputException exception)
        {
            Console.Error.WriteLine($"benchmarks: {exception.Message}");
            return BadInput;
        }
    }
}
