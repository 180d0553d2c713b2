// SPDX-License-Identifier: GPL-2.0-or-later

using System.Threading;

namespace ColoWire.Engine;

/// <summary>Signals the duties of one path that it stops: raised once, by any thread.</summary>
internal sealed class StopSignal
{
    private bool raised;

    public bool IsRaised => Volatile.Read(ref raised);

    public void Raise() => Volatile.Write(ref raised, true);
}
