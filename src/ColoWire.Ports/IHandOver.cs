// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Ports;

/// <summary>A capture port past which frames can be sent.</summary>
internal interface IHandOver
{
    /// <summary>From now on nothing new comes to the port; what it has is still to be received.</summary>
    void HandOver();
}
