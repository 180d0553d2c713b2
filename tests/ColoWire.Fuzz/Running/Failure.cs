// SPDX-License-Identifier: GPL-2.0-or-later

using System;

namespace ColoWire.Fuzz.Running;

/// <summary>What was wrong in a case.</summary>
/// <param name="Kind">Which invariant, or which exception: the same fault has the same kind in a smaller case.</param>
/// <param name="Place">Where it was thrown, or empty: two faults of one kind are told apart by it, but what the compiler inlines moves it.</param>
/// <param name="Detail">What is to be known beyond that.</param>
internal sealed record Failure(string Kind, string Place, string Detail);

/// <summary>An invariant does not hold.</summary>
internal sealed class InvariantException(string kind, string detail) : Exception($"{kind}: {detail}")
{
    public string Kind => kind;

    public string Detail => detail;
}
