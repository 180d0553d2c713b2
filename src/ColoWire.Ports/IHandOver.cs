// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Ports;

/// <summary>A capture port past which frames can be sent. Any thread may call it.</summary>
internal interface IHandOver
{
    /// <summary>From now on nothing new comes to the port; what it has is still to be received.</summary>
    void HandOver();

    /// <summary>Says whether somebody else has frames go past the port.</summary>
    void SetBypassed(bool value);
}
