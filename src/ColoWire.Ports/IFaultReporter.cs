// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Ports;

/// <summary>A port that can fail permanently after it was opened: a damaged capture, a full disk. It does not throw while frames
/// are received or sent; its owner reads the reason here.</summary>
public interface IFaultReporter
{
    /// <summary>What failed, in one line; null for nothing. Any thread may read it.</summary>
    string? Fault { get; }
}
