// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using System.Linq;

namespace ColoWire.TwinMaker.Harms;

/// <summary>The second guest does not send one datagram.</summary>
internal sealed class DropDatagram : IHarm
{
    public IReadOnlyList<int> Places(Capture capture) => [.. capture.Datagrams.Select(datagram => datagram.First)];

    public HarmReport Do(HarmScene scene, int place, DeterministicRandom random)
    {
        Datagram missing = scene.Capture.Datagrams.First(datagram => datagram.First == place);
        scene.RemoveFromSecondary(missing.Indices);

        // The next datagram of the flow, if there is one, is compared in its place.
        return new HarmReport("drop", missing.Flow, [.. missing.Indices.Select(index => index + 1)], ["timeout", "payload"]);
    }
}
