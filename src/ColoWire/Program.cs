// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Writing;

namespace ColoWire;

internal static class Program
{
    private static int Main(string[] arguments)
    {
        StandardOutputs outputs = StandardOutputs.Open();
        int code = Cli.Run(arguments, outputs);
        _ = outputs.Log.Flush(StandardOutputs.LastWordsPatience);
        return code;
    }
}
