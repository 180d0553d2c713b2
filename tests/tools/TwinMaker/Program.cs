// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.CommandLine;
using System.IO;
using System.Linq;
using ColoWire.TwinMaker;
using ColoWire.TwinMaker.Transformations;

const int BadInput = 2;

TwinCommandLine commandLine = new();
ParseResult parsed = commandLine.Root.Parse(args);
if (parsed.Errors.Count > 0)
{
    foreach (string message in parsed.Errors.Select(error => error.Message))
        Console.Error.WriteLine($"TwinMaker: {message}");
    return BadInput;
}

commandLine.Root.SetAction(result => MakeTwin(commandLine.OptionsOf(result)));
return parsed.Invoke();

static int MakeTwin(TwinOptions options)
{
    try
    {
        if (Path.GetFullPath(options.PrimaryPath) == Path.GetFullPath(options.SecondaryPath))
            throw new BadInputException($"{options.SecondaryPath}: is PRIMARY itself; SECONDARY must be another file");

        List<TwinFrame> frames = CaptureFile.Read(options.PrimaryPath);
        foreach (ITransformation transformation in Pipeline.Of(options))
            transformation.Apply(frames, DeterministicRandom.For(options.Seed, transformation.Name));
        CaptureFile.Write(options.SecondaryPath, frames);
        return 0;
    }
    catch (BadInputException bad)
    {
        Console.Error.WriteLine($"TwinMaker: {bad.Message}");
        return BadInput;
    }
}
