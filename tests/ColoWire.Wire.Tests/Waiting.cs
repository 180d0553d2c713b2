// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Diagnostics;
using System.Threading;

namespace ColoWire.Wire.Tests;

/// <summary>Waits for what another process does.</summary>
internal static class Waiting
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <summary>Waits until something holds.</summary>
    /// <exception cref="TimeoutException">It does not in time.</exception>
    public static void Until(Func<bool> holds, string what)
    {
        Stopwatch waited = Stopwatch.StartNew();
        while (!holds())
        {
            if (waited.Elapsed > Patience)
            {
                throw new TimeoutException($"after {Patience.TotalSeconds} s still not: {what}");
            }

            Thread.Sleep(1);
        }
    }
}
