// SPDX-License-Identifier: GPL-2.0-or-later

using System;

namespace ColoWire.TwinMaker;

/// <summary>Something the user gave cannot be used; the message says what, where and what is allowed.</summary>
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
