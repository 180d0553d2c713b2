// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Engine.Frames;

/// <summary>Who sent a frame: one of the replicas, or a client.</summary>
public enum Side : byte
{
    /// <summary>The replica whose frames are sent to the clients.</summary>
    Primary = 0,

    /// <summary>
    /// The replica whose frames are compared with the primary's, and are sent only after a fail-over to the secondary.
    /// </summary>
    Secondary = 1,

    /// <summary>The clients, whose frames both replicas receive (<see cref="InboundMode.Mirror"/>).</summary>
    World = 2,
}
