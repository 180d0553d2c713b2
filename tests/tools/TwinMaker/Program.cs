// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.CommandLine;
using System.Linq;
using ColoWire.TwinMaker;
using ColoWire.TwinMaker.Harms;
using ColoWire.TwinMaker.Matrix;

const int BadInput = 2;
const int NothingToHarm = 3;

TwinCommandLine commandLine = new(
    (options, files) => Guarded(() => MakeTwin(options, files)),
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

static int MakeTwin(TwinOptions options, TwinFiles files)
{
    files.Check();
    Capture capture = new(CaptureFile.Read(files.Primary));
    Twin? twin = Twin.Of(capture, options);
    if (twin is null)
    {
        Console.Error.WriteLine($"TwinMaker: {files.Primary}: has nothing to harm by {options.Harm}");
        return NothingToHarm;
    }

    CaptureFile.Write(files.Secondary, twin.Secondary);
    if (files.PrimaryOut is string path)
        CaptureFile.Write(path, twin.Primary);
    if (twin.Harm is HarmReport harm)
        Console.WriteLine(harm.ToJson());
    return 0;
}
