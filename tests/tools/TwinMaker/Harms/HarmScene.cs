// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;

namespace ColoWire.TwinMaker.Harms;

/// <summary>The captures that a harm changes.</summary>
/// <param name="Capture">The capture of the first guest.</param>
/// <param name="Primary">Its frames; only a harm to the primary may add some.</param>
/// <param name="Secondary">Copies of its frames, at the same indices; a harm may change, replace or remove them.</param>
internal sealed record HarmScene(Capture Capture, List<TwinFrame> Primary, List<TwinFrame> Secondary)
{
    /// <summary>Removes frames of the second guest, after the last access by index.</summary>
    public void RemoveFromSecondary(IEnumerable<int> indices)
    {
        HashSet<int> removed = [.. indices];
        int position = 0;
        Secondary.RemoveAll(_ => removed.Contains(position++));
    }
}
