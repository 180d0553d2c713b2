// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;

namespace ColoWire.TwinMaker.Transformations;

/// <summary>Gives IP packets another TTL or hop limit.</summary>
internal sealed class SetTimeToLive(byte timeToLive) : ITransformation
{
    public string Name => "ttl";

    public void Apply(List<TwinFrame> frames, DeterministicRandom random)
    {
        foreach (TwinFrame frame in frames)
        {
            if (frame.IsCopied)
                continue;
            IpHeader.SetTimeToLive(frame.Network, timeToLive);
            frame.NetworkChanged = true;
        }
    }
}
