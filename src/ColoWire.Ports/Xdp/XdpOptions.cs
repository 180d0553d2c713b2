// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Ports.Xdp;

/// <summary>How frames get from an interface to an AF_XDP socket.</summary>
public enum XdpMode
{
    /// <summary>In the driver, without a copy where it can.</summary>
    Native,

    /// <summary>In the driver, with a copy: for drivers whose zero-copy fails, or where the three ports' drivers do not agree.</summary>
    NativeCopy,

    /// <summary>In the kernel's general code, with a copy: any interface can, slower.</summary>
    Generic,
}

/// <summary>How <c>xdp:</c> ports are opened.</summary>
/// <param name="Mode">How frames get from the interface to the socket.</param>
/// <param name="RingFrames">Entries of each of a socket's rings; a power of two.</param>
public readonly record struct XdpOptions(XdpMode Mode, int RingFrames);
