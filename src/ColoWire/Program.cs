// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire;

internal static class Program
{
    private static int Main() => 0;
}
