// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;

namespace ColoWire.TwinMaker.Transformations;

/// <summary>One way in which the second guest differs from the first.</summary>
internal interface ITransformation
{
    /// <summary>Selects the sequence of random numbers; another name changes the result of a seed.</summary>
    string Name { get; }

    /// <summary>Changes the list of frames, in which the frames of each flow are in the order of sending.</summary>
    void Apply(List<TwinFrame> frames, DeterministicRandom random);
}
