// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Ports.Xdp;

/// <summary>How <c>xdp:</c> ports are opened.</summary>
/// <param name="Mode">Where the XDP program runs.</param>
/// <param name="Copy">The kernel copies frames into the slots, also where the driver supports zero-copy (XDP_COPY).</param>
/// <param name="RingFrames">Entries of each ring of a socket; a power of two.</param>
public readonly record struct XdpOptions(XdpMode Mode, bool Copy, int RingFrames);
