// SPDX-License-Identifier: GPL-2.0-or-later

using System.CommandLine;

namespace ColoWire.Benchmarks.Micro;

internal static class MicroCommand
{
    public static Command Create() => new("micro", "x");
}
