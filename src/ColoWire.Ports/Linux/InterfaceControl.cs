// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Runtime.InteropServices;
using System.Text;

namespace ColoWire.Ports.Linux;

/// <summary>The result of a request about an interface by its index.</summary>
internal enum InterfaceLook
{
    /// <summary>The interface exists.</summary>
    Seen,

    /// <summary>No interface has this index.</summary>
    Gone,

    /// <summary>The interface is being renamed, or the kernel has no answer for another reason.</summary>
    Unknown,
}

/// <summary>The kernel's answers about an interface, by ioctl(2) on a socket in the interface's namespace
/// (netdevice(7)).</summary>
internal static unsafe class InterfaceControl
{
    /// <summary>Flags of an interface (linux/if.h).</summary>
    public const uint FlagUp = 0x1;
    public const uint FlagRunning = 0x40;

    /// <summary>Characters of the longest name of an interface, without the 0 at its end (IFNAMSIZ).</summary>
    public const int MaxNameLength = 15;

    /// <summary>Characters of the longest alternative name of an interface, without the 0 at its end (ALTIFNAMSIZ).</summary>
    public const int MaxAlternativeNameLength = 127;

    private const nuint GetName = 0x8910;
    private const nuint GetFlags = 0x8913;
    private const nuint GetMtu = 0x8921;
    private const nuint GetHardwareAddress = 0x8927;
    private const nuint Ethtool = 0x8946;

    private const int DomainInternet = 2;
    private const int TypeDatagram = 2;
    private const int TypeCloseOnExec = 0x80000;

    /// <summary>Opens a socket for these requests; negative when it cannot be opened.</summary>
    public static int OpenSocket() => Libc.Socket(DomainInternet, TypeDatagram | TypeCloseOnExec, 0);

    /// <summary>IFF_* flags; false when there is no such interface.</summary>
    public static bool TryGetFlags(int socket, string name, out uint flags)
    {
        InterfaceRequest request = default;
        bool known = TryAsk(socket, name, GetFlags, ref request);
        flags = request.Flags;
        return known;
    }

    /// <summary>Reads the IFF_* flags and the MTU in bytes, by the index of the interface.</summary>
    public static InterfaceLook Look(int socket, int index, out uint flags, out int mtu)
    {
        flags = 0;
        mtu = 0;
        InterfaceRequest request = new() { Value = index };
        if (Libc.IoControl(socket, GetName, &request) != 0)
        {
            return Marshal.GetLastPInvokeError() == Libc.NoSuchDevice ? InterfaceLook.Gone : InterfaceLook.Unknown;
        }

        // The kernel has written the name before the union, which the requests by name read. For some milliseconds of a rename it
        // finds the interface by neither name (dev_change_name, net/core/dev.c).
        if (Libc.IoControl(socket, GetFlags, &request) != 0)
        {
            return InterfaceLook.Unknown;
        }

        flags = request.Flags;
        if (Libc.IoControl(socket, GetMtu, &request) != 0)
        {
            return InterfaceLook.Unknown;
        }

        mtu = request.Value;
        return InterfaceLook.Seen;
    }

    /// <summary>Whether an interface has this index, and whether it has this name.</summary>
    public static bool TryGetName(int socket, int index, string expected, out bool isExpected)
    {
        InterfaceRequest request = new() { Value = index };
        bool known = Libc.IoControl(socket, GetName, &request) == 0;
        ReadOnlySpan<byte> name = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(request.Name);
        isExpected = known && Ascii.Equals(name, expected);
        return known;
    }

    /// <summary>The MTU in bytes; false when there is no such interface.</summary>
    public static bool TryGetMtu(int socket, string name, out int mtu)
    {
        InterfaceRequest request = default;
        bool known = TryAsk(socket, name, GetMtu, ref request);
        mtu = request.Value;
        return known;
    }

    /// <summary>The ARPHRD_* number of its kind; false when there is no such interface.</summary>
    public static bool TryGetHardwareType(int socket, string name, out int hardwareType)
    {
        InterfaceRequest request = default;
        bool known = TryAsk(socket, name, GetHardwareAddress, ref request);
        hardwareType = request.Flags;
        return known;
    }

    /// <summary>Sends a request to the driver (SIOCETHTOOL). The first word of the argument is the command.</summary>
    /// <returns>False when the driver does not know the command.</returns>
    public static bool TryAskDriver<T>(int socket, string name, ref T argument)
        where T : unmanaged
    {
        fixed (T* pointer = &argument)
        {
            InterfaceRequest request = new() { Pointer = (nint)pointer };
            return TryAsk(socket, name, Ethtool, ref request);
        }
    }

    /// <summary>Sends a request whose answer has a variable length, behind a fixed head.</summary>
    /// <returns>False when the driver does not know the command.</returns>
    public static bool TryAskDriver(int socket, string name, Span<byte> argument)
    {
        fixed (byte* pointer = argument)
        {
            InterfaceRequest request = new() { Pointer = (nint)pointer };
            return TryAsk(socket, name, Ethtool, ref request);
        }
    }

    private static bool TryAsk(int socket, string name, nuint question, ref InterfaceRequest request)
    {
        if (name.Length is 0 or > MaxNameLength)
        {
            return false;
        }

        fixed (InterfaceRequest* pointer = &request)
        {
            // Names of interfaces are bytes. A character beyond ASCII becomes '?', so that no interface has the name.
            Encoding.ASCII.GetBytes(name, new Span<byte>(pointer->Name, MaxNameLength));
            return Libc.IoControl(socket, question, pointer) == 0;
        }
    }

    /// <summary><c>struct ifreq</c> (linux/if.h): the name, then a union of 24 bytes.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 40)]
    private struct InterfaceRequest
    {
        [FieldOffset(0)]
        public fixed byte Name[MaxNameLength + 1];

        [FieldOffset(16)]
        public int Value;

        [FieldOffset(16)]
        public ushort Flags;

        [FieldOffset(16)]
        public nint Pointer;
    }
}
