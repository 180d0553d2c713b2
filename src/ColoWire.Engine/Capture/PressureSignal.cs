// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Engine.Capture;

/// <summary>The slots of a side that run out.</summary>
internal enum Pressure
{
    None,

    /// <summary>Small slots, of 2 KiB.</summary>
    Small,

    /// <summary>Large slots, of 68 KiB.</summary>
    Large,
}

/// <summary>
/// Signals that slots of a side run out: set by the side's capture duty, read by the shards, which then release frames if they
/// hold many.
/// </summary>
internal sealed class PressureSignal
{
    // A hint that orders no other memory access; volatile only makes the write visible to other threads.
    private volatile Pressure pressure;

    public Pressure Value => pressure;

    public void Set(Pressure value)
    {
        // Written only on a change, so that the cache line stays in the shards' caches.
        if (pressure != value)
        {
            pressure = value;
        }
    }
}
