// SPDX-License-Identifier: GPL-2.0-or-later

using System.Threading;

namespace ColoWire.Engine;

/// <summary>Slots of the primary run out: set by its capture duty, seen by the shards, which then release what they hold.</summary>
internal sealed class PressureSignal
{
    private bool set;

    public bool IsSet => Volatile.Read(ref set);

    public void Set(bool value)
    {
        if (set != value)
        {
            Volatile.Write(ref set, value);
        }
    }
}
