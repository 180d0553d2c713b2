// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Engine.Capture;

/// <summary>Which slots of a side run out.</summary>
internal enum Pressure
{
    None,

    /// <summary>Those of 2 KiB.</summary>
    Small,

    /// <summary>Those of 68 KiB.</summary>
    Large,
}

/// <summary>Slots of a side run out: set by its capture duty, seen by the shards, which release what they hold if it is much.</summary>
internal sealed class PressureSignal
{
    // Only a hint: it orders nothing, it must merely be seen.
    private volatile Pressure pressure;

    public Pressure Value => pressure;

    public void Set(Pressure value)
    {
        // A line that is written only when it changes stays in the shards' caches.
        if (pressure != value)
        {
            pressure = value;
        }
    }
}
