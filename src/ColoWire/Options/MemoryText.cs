// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Options;

/// <summary>Sizes of memory for people.</summary>
internal static class MemoryText
{
    /// <summary>Whole MiB, rounded up.</summary>
    public static long MiB(long bytes) => (bytes + ApplianceOptions.BytesPerMiB - 1) / ApplianceOptions.BytesPerMiB;
}
