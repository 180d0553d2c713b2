// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;

namespace ColoWire.TwinMaker.Transformations;

/// <summary>One way in which the second guest differs from the first.</summary>
internal interface ITransformation
{
    /// <summary>Names the sequence of random numbers; a changed name changes the outcome of a seed.</summary>
    string Name { get; }

    /// <summary>Changes the list, in which the frames of each flow stand in the order in which they are sent.</summary>
    void Apply(List<TwinFrame> frames, DeterministicRandom random);
}
