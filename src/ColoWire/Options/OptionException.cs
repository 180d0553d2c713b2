// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;

namespace ColoWire.Options;

/// <summary>What an operator said cannot be done: one line for each fault, all of them at once.</summary>
public sealed class OptionException : Exception
{
    /// <summary>Makes one of a single fault.</summary>
    public OptionException(string message)
        : base(message) => Faults = [message];

    /// <summary>Makes one of all faults.</summary>
    public OptionException(IReadOnlyList<string> faults)
        : base(string.Join('\n', faults)) => Faults = faults;

    /// <summary>One line for each fault.</summary>
    public IReadOnlyList<string> Faults { get; }
}
