// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Ports.Xdp;

/// <summary>How an XDP program runs.</summary>
public enum XdpMode
{
    /// <summary>In the driver, before the kernel makes anything of the frame.</summary>
    Native,

    /// <summary>In the kernel's stack, on every interface; costs a copy.</summary>
    Generic,
}
