// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;

namespace ColoWire.TwinMaker.Transformations;

/// <summary>Gives IP packets another TTL or hop limit: the one given, or that of some operating system.</summary>
internal sealed class SetTimeToLive(int? wanted) : ITransformation
{
    private static readonly byte[] Usual = [32, 60, 128, 255];

    public string Name => "ttl";

    public void Apply(List<TwinFrame> frames, DeterministicRandom random)
    {
        byte timeToLive = (byte)(wanted ?? Usual[random.Between(0, Usual.Length - 1)]);
        foreach (TwinFrame frame in frames)
        {
            if (frame.IsCopied)
                continue;
            IpHeader.SetTimeToLive(frame.Network, timeToLive);
            frame.NetworkChanged = true;
        }
    }
}
