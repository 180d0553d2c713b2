// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Reports;

/// <summary>The exit codes of the program.</summary>
internal static class ExitCodes
{
    /// <summary>Everything was done.</summary>
    public const int Success = 0;

    /// <summary>Frames were held back, an interface is missing or another process's, an order was refused, or captures
    /// differ.</summary>
    public const int Failure = 1;

    /// <summary>A fault that the operator can correct: bad options, unreadable captures, unusable ports.</summary>
    public const int BadInput = 2;

    /// <summary>The output of a verb whose only purpose is its output could not be written. diff(1) and grep(1) use the same
    /// code.</summary>
    public const int NotWritten = BadInput;

    /// <summary>ColoWire itself has failed, and may work when it is started again (EX_SOFTWARE of sysexits.h).</summary>
    public const int InternalFailure = 70;

    /// <summary>The user pressed Ctrl-C: 128 and the number of the signal, as in every shell.</summary>
    public const int Interrupted = 130;
}
