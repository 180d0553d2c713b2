// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;

namespace ColoWire.TwinMaker.Transformations;

/// <summary>Harm: one byte of one UDP datagram is another one.</summary>
internal sealed class FlipUdpByte(int ordinal) : ITransformation
{
    public string Name => "flip-udp";

    public void Apply(List<TwinFrame> frames, DeterministicRandom random)
    {
        TwinFrame chosen = ByteFlip.Choose(frames, ordinal, "--flip-udp", IsWholeDatagramWithData);
        int offset = random.Between(0, chosen.Layout.PayloadLength - 1);
        byte original = chosen.Payload[offset];
        byte changed = ByteFlip.OtherByte(original, random);
        chosen.Payload[offset] = changed;
        chosen.TransportChanged = true;
        ByteFlip.Announce(chosen, offset, original, changed);
    }

    private static bool IsWholeDatagramWithData(TwinFrame frame) =>
        frame.Layout is { Transport: Transport.Udp, IsFragment: false, PayloadLength: > 0 };
}
