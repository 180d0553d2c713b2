// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;

namespace ColoWire.Options;

/// <summary>Options are wrong. It has a line for each fault.</summary>
public sealed class OptionException : Exception
{
    /// <summary>Makes one with a single fault.</summary>
    public OptionException(string message)
        : base(message) => Faults = [message];

    /// <summary>Makes one with all faults.</summary>
    public OptionException(IReadOnlyList<string> faults)
        : base(string.Join('\n', faults)) => Faults = faults;

    /// <summary>One line for each fault.</summary>
    public IReadOnlyList<string> Faults { get; }
}
