// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Engine.Frames;

/// <summary>Which replica sent a frame.</summary>
public enum Side : byte
{
    /// <summary>The replica that the world talks to: its frames leave.</summary>
    Primary = 0,

    /// <summary>The replica that must say the same: its frames are compared and never leave.</summary>
    Secondary = 1,
}
