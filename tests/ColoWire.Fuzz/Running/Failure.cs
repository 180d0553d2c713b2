// SPDX-License-Identifier: GPL-2.0-or-later

using System;

namespace ColoWire.Fuzz.Running;

/// <summary>The failure of a case.</summary>
/// <param name="Kind">The invariant or the exception: the same fault has the same kind in a smaller case.</param>
/// <param name="Place">The method that threw, or empty: it distinguishes two faults of one kind, but inlining by the compiler may
/// change it.</param>
/// <param name="Detail">Further details.</param>
internal sealed record Failure(string Kind, string Place, string Detail);

/// <summary>An invariant does not hold.</summary>
internal sealed class InvariantException(string kind, string detail) : Exception($"{kind}: {detail}")
{
    public string Kind => kind;

    public string Detail => detail;
}
