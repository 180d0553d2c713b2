// SPDX-License-Identifier: GPL-2.0-or-later

using System.Runtime.InteropServices;
using NUnit.Framework;

namespace ColoWire.Wire.Tests;

/// <summary>What root may do. It belongs to a thread.</summary>
internal static unsafe partial class Capabilities
{
    /// <summary>Takes all of it from this thread, which should end with the test (capset(2), version 3).</summary>
    public static void Drop()
    {
        uint* header = stackalloc uint[] { 0x20080522, 0 };
        uint* none = stackalloc uint[6];
        Assert.That(Set(header, none), Is.Zero);
    }

    [LibraryImport("libc", EntryPoint = "capset")]
    private static partial int Set(uint* header, uint* sets);
}
