// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Writing;

namespace ColoWire;

internal static class Program
{
    private static int Main(string[] arguments)
    {
        StandardOutputs outputs = StandardOutputs.Open(TimeProvider.System);
        int code = Cli.Run(arguments, outputs, TimeProvider.System);
        _ = outputs.Log.Flush(StandardOutputs.LastWordsPatience);
        return code;
    }
}
