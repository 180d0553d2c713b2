// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Ports.Xdp;

/// <summary>Where an XDP program runs (Documentation/networking/af_xdp.rst, XDP_SKB_MODE and XDP_DRV_MODE).</summary>
public enum XdpMode
{
    /// <summary>Native mode: in the driver, before the kernel allocates an skb for the frame.</summary>
    Native,

    /// <summary>Generic mode: in the kernel's stack, on every interface; costs a copy.</summary>
    Generic,
}
