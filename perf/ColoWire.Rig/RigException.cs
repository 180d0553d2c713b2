// SPDX-License-Identifier: GPL-2.0-or-later

using System;

namespace ColoWire.Rig;

/// <summary>A measurement cannot be made or is worth nothing; the message says what, where and why.</summary>
internal sealed class RigException : Exception
{
    public RigException()
    {
    }

    public RigException(string message)
        : base(message)
    {
    }

    public RigException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
