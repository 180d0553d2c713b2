// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Ports;

/// <summary>A capture port whose frames can be redirected past it, by an XDP program. Any thread may call it.</summary>
internal interface IHandOver
{
    /// <summary>No new frame comes to the port from now on; the frames that it holds are still to be received.</summary>
    void HandOver();

    /// <summary>Says whether frames of the port's interface are redirected past it, because another process has detached or
    /// replaced the program.</summary>
    void SetBypassed(bool value);
}
