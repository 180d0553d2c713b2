// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;

namespace ColoWire.TwinMaker.Harms;

/// <summary>One real difference between the two guests, which a comparison must report, in that flow and in no other.</summary>
internal interface IHarm
{
    /// <summary>The indices of the frames at which the harm is possible and detectable.</summary>
    IReadOnlyList<int> Places(Capture capture);

    /// <summary>Applies the harm.</summary>
    HarmReport Do(HarmScene scene, int place, DeterministicRandom random);
}
