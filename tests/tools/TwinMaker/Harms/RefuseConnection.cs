// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;

namespace ColoWire.TwinMaker.Harms;

/// <summary>The second guest answers a SYN with a RST where the first guest accepts the connection.</summary>
internal sealed class RefuseConnection : IHarm
{
    private const int HeaderLength = 20;

    public IReadOnlyList<int> Places(Capture capture) =>
    [
        .. Enumerable.Range(0, capture.Frames.Count).Where(index =>
            capture.News[index] is { IsNewSyn: true, Connection.IsFirstOfFlow: true } news && news.Connection.Indices[0] == index
            && capture.Frames[index].Tcp.HasAny(TcpFlags.Ack)),
    ];

    public HarmReport Do(HarmScene scene, int place, DeterministicRandom random)
    {
        TwinFrame accepted = scene.Secondary[place];
        scene.Secondary[place] = Refusal(accepted);

        // All frames of the refused connection are removed; later connections between the same ports stay.
        scene.RemoveFromSecondary(scene.Capture.News[place]!.Connection.Indices.Where(index => index != place));
        return new HarmReport("syn", accepted.Flow, [place + 1], ["control"]);
    }

    private static TwinFrame Refusal(TwinFrame accepted)
    {
        int end = accepted.Layout.TransportOffset + HeaderLength;
        byte[] bytes = accepted.Bytes[..end];
        bytes[accepted.Layout.TransportOffset + 12] = HeaderLength / 4 << 4;
        IpHeader.SetPacketLength(bytes.AsSpan(accepted.Layout.IpOffset), end - accepted.Layout.IpOffset);
        TwinFrame refusal = accepted.WithBytes(bytes);
        TcpHeader header = refusal.Tcp;
        header.Flags = TcpFlags.Rst | TcpFlags.Ack;
        header.Sequence = 0;
        header.Window = 0;
        refusal.NetworkChanged = refusal.TransportChanged = true;
        return refusal;
    }
}
