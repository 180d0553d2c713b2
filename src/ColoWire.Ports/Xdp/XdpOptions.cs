// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Ports.Xdp;

/// <summary>How <c>xdp:</c> ports are opened.</summary>
/// <param name="Mode">Where frames leave the kernel's way for the socket.</param>
/// <param name="Copy">The kernel copies frames into the slots, even where the driver could write there itself.</param>
/// <param name="RingFrames">Entries of each of a socket's rings; a power of two.</param>
public readonly record struct XdpOptions(XdpMode Mode, bool Copy, int RingFrames);
