// SPDX-License-Identifier: GPL-2.0-or-later

using System.Runtime.InteropServices;
using NUnit.Framework;

namespace ColoWire.Wire.Tests;

/// <summary>What root may do. It belongs to a thread.</summary>
internal static unsafe partial class Capabilities
{
    /// <summary>CAP_NET_ADMIN and CAP_BPF (linux/capability.h).</summary>
    public const ulong NetAdminAndBpf = (1UL << 12) | (1UL << 39);

    /// <summary>Takes all of it but some from this thread, which should end with the test (capset(2), version 3).</summary>
    public static void Drop(ulong except = 0)
    {
        uint low = (uint)except;
        uint high = (uint)(except >> 32);
        uint* header = stackalloc uint[] { 0x20080522, 0 };
        uint* sets = stackalloc uint[] { low, low, 0, high, high, 0 };
        Assert.That(Set(header, sets), Is.Zero);
    }

    [LibraryImport("libc", EntryPoint = "capset")]
    private static partial int Set(uint* header, uint* sets);
}
