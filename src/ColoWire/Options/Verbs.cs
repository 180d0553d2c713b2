// SPDX-License-Identifier: GPL-2.0-or-later

using System;

namespace ColoWire.Options;

/// <summary>The verbs of the command line that take options of the <see cref="OptionTable"/>.</summary>
[Flags]
public enum Verbs
{
    /// <summary>No verb.</summary>
    None = 0,

    /// <summary><c>colowire run</c>.</summary>
    Run = 1,

    /// <summary><c>colowire observe</c>.</summary>
    Observe = 2,

    /// <summary><c>colowire compare</c>.</summary>
    Compare = 4,

    /// <summary>The verbs that work on live ports.</summary>
    Live = Run | Observe,

    /// <summary>Every verb.</summary>
    All = Live | Compare,
}
