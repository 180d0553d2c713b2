// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;

namespace ColoWire.TwinMaker.Harms;

/// <summary>The second guest sends a datagram that the first guest does not send.</summary>
internal sealed class AddDatagram : IHarm
{
    public IReadOnlyList<int> Places(Capture capture) =>
    [
        .. capture.Datagrams
            .Where(datagram => datagram.Indices.Count == 1 && !IsEmpty(ColoWireRules.HardBytes(capture.Frames[datagram.First])))
            .Select(datagram => datagram.First),
    ];

    public HarmReport Do(HarmScene scene, int place, DeterministicRandom random)
    {
        TwinFrame added = scene.Secondary[place].Copy();
        foreach (ref byte value in added.Bytes.AsSpan()[ColoWireRules.HardBytes(added)])
            value ^= (byte)random.Between(1, byte.MaxValue);
        added.TransportChanged = true;
        scene.Secondary.Insert(place + 1, added);
        return new HarmReport("extra", added.Flow, [place + 1], ["timeout", "payload"]);
    }

    private static bool IsEmpty(Range range) => range.Start.Value == range.End.Value;
}
