// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Ports.Linux;

/// <summary>Transparent huge pages (Documentation/admin-guide/mm/transhuge.rst), where the kernel gives them on request
/// (madvise).</summary>
public static class HugePages
{
    /// <summary>MADV_HUGEPAGE of madvise(2).</summary>
    private const int Advice = 14;

    /// <summary>Requests huge pages for a range of memory. Where the kernel has none, it uses small pages, which are
    /// slower.</summary>
    public static void Advise(nint address, nuint length) => _ = Libc.AdviseMemory(address, length, Advice);
}
