// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.CommandLine;
using System.Linq;
using ColoWire.Rig;
using ColoWire.Rig.Qemu;

const int BadInput = 2;

RootCommand root = new("Drives what ColoWire is measured against.") { QemuCommand.Create() };
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
catch (RigException fault)
{
    Console.Error.WriteLine($"ColoWire.Rig: {fault.Message}");
    return BadInput;
}
