// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.CommandLine;
using System.Linq;
using ColoWire.Figures;
using ColoWire.Rig;
using ColoWire.Rig.Live;
using ColoWire.Rig.Pair;
using ColoWire.Rig.Qemu;

const int BadInput = 2;

RootCommand root = new("Measures ColoWire as a running program, and drives what it is measured against.")
{
    WireCommand.Create(),
    XdpCommand.Create(),
    InboundCommand.Create(),
    QemuCommand.Create(),
    PairCommand.Create(),
    RepeatCommand.Create(),
};
ParseResult parsed = root.Parse(args);
if (parsed.Errors.Count > 0)
{
    foreach (string message in parsed.Errors.Select(error => error.Message))
        Console.Error.WriteLine($"ColoWire.Rig: {message.ReplaceLineEndings(" ")}");
    return BadInput;
}

try
{
    return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
catch (Exception fault) when (fault is RigException or BadInputException)
{
    Console.Error.WriteLine($"ColoWire.Rig: {fault.Message}");
    return BadInput;
}
