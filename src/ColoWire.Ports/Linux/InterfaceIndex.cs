// SPDX-License-Identifier: GPL-2.0-or-later

using System.Runtime.InteropServices;

namespace ColoWire.Ports.Linux;

/// <summary>The indexes of interfaces (netdevice(7)), in this thread's network namespace.</summary>
internal static partial class InterfaceIndex
{
    /// <summary>The index of an interface.</summary>
    /// <exception cref="PortException">There is none of this name.</exception>
    public static int Of(string interfaceName) => Find(interfaceName) ?? throw LiveInterface.Unknown(interfaceName);

    /// <summary>The index of an interface, by its name or an alternative one; null when there is none.</summary>
    public static int? Find(string interfaceName)
    {
        if (interfaceName.Length > InterfaceControl.MaxNameLength)
        {
            return LinkNetlink.FindByAlternativeName(interfaceName);
        }

        uint index = NameToIndex(interfaceName);
        return index == 0 ? null : (int)index;
    }

    /// <summary>The name of an interface; null when there is none with this index.</summary>
    public static unsafe string? NameOf(int index)
    {
        byte* name = stackalloc byte[InterfaceControl.MaxNameLength + 1];
        return IndexToName((uint)index, name) is null ? null : Marshal.PtrToStringUTF8((nint)name);
    }

    [LibraryImport("libc", EntryPoint = "if_indextoname", SetLastError = true)]
    private static unsafe partial byte* IndexToName(uint index, byte* name);

    [LibraryImport("libc", EntryPoint = "if_nametoindex", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial uint NameToIndex(string interfaceName);
}
