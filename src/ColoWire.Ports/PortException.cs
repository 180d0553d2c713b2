// SPDX-License-Identifier: GPL-2.0-or-later

using System;

namespace ColoWire.Ports;

/// <summary>A port cannot be opened. The message is one line for the operator: what, which, why, and what is allowed.</summary>
public sealed class PortException : Exception
{
    /// <summary>Says what is wrong.</summary>
    public PortException(string message)
        : base(message)
    {
    }

    /// <summary>Says what is wrong, and keeps what it was learned from.</summary>
    public PortException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
