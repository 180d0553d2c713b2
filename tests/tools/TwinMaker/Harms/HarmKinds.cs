// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;

namespace ColoWire.TwinMaker.Harms;

/// <summary>All harms by their names.</summary>
internal static class HarmKinds
{
    private static readonly Dictionary<string, IHarm> Known = new()
    {
        ["flip"] = new ChangeContent("flip", wholly: false),
        ["swap"] = new ChangeContent("swap", wholly: true),
        ["cut"] = new CutFlow(),
        ["drop"] = new DropDatagram(),
        ["extra"] = new AddDatagram(),
        ["retransmit"] = new ChangeRetransmission(),
        ["syn"] = new RefuseConnection(),
        ["fin"] = new CloseEarlier(),
        ["ack"] = new StopAcknowledging(),
    };

    public static IReadOnlyCollection<string> Names => Known.Keys;

    public static IHarm Named(string name) => Known[name];
}
