// SPDX-License-Identifier: GPL-2.0-or-later

using System;

namespace ColoWire.TwinMaker;

/// <summary>The user's input cannot be used; the message has the place, the fault and the allowed values.</summary>
internal sealed class BadInputException : Exception
{
    public BadInputException()
    {
    }

    public BadInputException(string message)
        : base(message)
    {
    }

    public BadInputException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
