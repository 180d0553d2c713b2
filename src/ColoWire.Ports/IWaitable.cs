// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Ports;

/// <summary>A port, or a checkpoint requester, on which a thread can sleep while nothing arrives.</summary>
public interface IWaitable
{
    /// <summary>A file descriptor for poll(2) that becomes readable when frames or events have arrived; -1 when there is
    /// none.</summary>
    int WaitHandle { get; }
}
