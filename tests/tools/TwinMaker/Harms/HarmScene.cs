// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;

namespace ColoWire.TwinMaker.Harms;

/// <summary>What a harm works on.</summary>
/// <param name="Capture">The capture of the first guest.</param>
/// <param name="Primary">Its frames, which only a harm to the primary may add to.</param>
/// <param name="Secondary">Copies of them, at the same indices, to be changed, replaced, or taken away.</param>
internal sealed record HarmScene(Capture Capture, List<TwinFrame> Primary, List<TwinFrame> Secondary)
{
    /// <summary>Takes frames away from the second guest, once nothing is looked up by index any more.</summary>
    public void RemoveFromSecondary(IEnumerable<int> indices)
    {
        HashSet<int> removed = [.. indices];
        int position = 0;
        Secondary.RemoveAll(_ => removed.Contains(position++));
    }
}
