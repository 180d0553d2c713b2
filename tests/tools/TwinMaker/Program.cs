// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.CommandLine;
using System.Linq;
using ColoWire.TwinMaker;
using ColoWire.TwinMaker.Matrix;

const int BadInput = 2;

TwinCommandLine commandLine = new(
    (options, files) => Guarded(() => TwinCommand.Run(options, files, Console.Out, Console.Error)),
    (options, seeds, folders) => Guarded(() => MatrixCommand.Run(options, seeds, folders)));
ParseResult parsed = commandLine.Root.Parse(args);
if (parsed.Errors.Count > 0)
{
    foreach (string message in parsed.Errors.Select(error => error.Message))
        Console.Error.WriteLine($"TwinMaker: {message}");
    return BadInput;
}

return parsed.Invoke();

static int Guarded(Func<int> action)
{
    try
    {
        return action();
    }
    catch (BadInputException bad)
    {
        Console.Error.WriteLine($"TwinMaker: {bad.Message}");
        return BadInput;
    }
}
