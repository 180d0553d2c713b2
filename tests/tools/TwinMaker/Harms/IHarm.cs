// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;

namespace ColoWire.TwinMaker.Harms;

/// <summary>One real difference between the two guests, which a comparer must find, in that flow and in no other.</summary>
internal interface IHarm
{
    /// <summary>The frames at which it can be done, as indices; places where nobody could see it are none.</summary>
    IReadOnlyList<int> Places(Capture capture);

    /// <summary>Does it.</summary>
    HarmReport Do(HarmScene scene, int place, DeterministicRandom random);
}
