// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Ports.Linux;

/// <summary>Transparent huge pages (Documentation/admin-guide/mm/transhuge.rst), where the kernel gives them to those who ask.</summary>
public static class HugePages
{
    /// <summary>MADV_HUGEPAGE of madvise(2).</summary>
    private const int Advice = 14;

    /// <summary>Asks for huge pages in a piece of memory. Where the kernel has none, small ones do as well, only slower.</summary>
    public static void Advise(nint address, nuint length) => _ = Libc.AdviseMemory(address, length, Advice);
}
