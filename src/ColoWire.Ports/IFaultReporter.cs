// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Ports;

/// <summary>
/// A port on which something can go wrong for good after it was opened: a capture that is cut off, a full disk, an interface that
/// was removed. It does not throw on the path of a frame; its owner looks here.
/// </summary>
public interface IFaultReporter
{
    /// <summary>What went wrong, in one line, or null. Any thread may read it.</summary>
    string? Fault { get; }
}
