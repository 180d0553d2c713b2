// SPDX-License-Identifier: GPL-2.0-or-later

using System;

namespace ColoWire;

internal static class Program
{
    private static int Main(string[] arguments) => Cli.Run(arguments, Console.Error);
}
