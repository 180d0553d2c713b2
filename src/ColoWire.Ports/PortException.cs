// SPDX-License-Identifier: GPL-2.0-or-later

using System;

namespace ColoWire.Ports;

/// <summary>A port cannot be opened. The message is one line for the operator: what failed, on which port, why, and what to
/// do.</summary>
public sealed class PortException : Exception
{
    /// <summary>An error with its message.</summary>
    public PortException(string message)
        : base(message)
    {
    }

    /// <summary>An error with its message and its cause.</summary>
    public PortException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
