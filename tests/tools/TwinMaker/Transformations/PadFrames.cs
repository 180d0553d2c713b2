// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;

namespace ColoWire.TwinMaker.Transformations;

/// <summary>Removes the padding of short frames, or pads them to Ethernet's minimum: a virtual NIC need not pad, a physical one
/// must.</summary>
internal sealed class PadFrames : ITransformation
{
    private const int LeastFrame = 60;
    private const int Percent = 50;

    public string Name => "padding";

    public void Apply(List<TwinFrame> frames, DeterministicRandom random)
    {
        for (int index = 0; index < frames.Count; index++)
        {
            TwinFrame frame = frames[index];
            if (frame.IsCopied)
                continue;
            byte[] bytes = frame.Bytes[..frame.Layout.IpEnd];
            if (bytes.Length < LeastFrame && random.Chance(Percent))
                bytes = Filled(bytes, random);
            frames[index] = frame.WithBytes(bytes);
        }
    }

    /// <summary>Some drivers send old content of the buffer as padding.</summary>
    private static byte[] Filled(byte[] bytes, DeterministicRandom random)
    {
        byte[] filled = new byte[LeastFrame];
        filled.AsSpan().Fill((byte)random.Between(0, 255));
        bytes.CopyTo(filled, 0);
        return filled;
    }
}
