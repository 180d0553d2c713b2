// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using System.Linq;

namespace ColoWire.TwinMaker.Harms;

/// <summary>From a frame on the second guest's acknowledgment number stays, as if it received none of the later
/// segments.</summary>
internal sealed class StopAcknowledging : IHarm
{
    public IReadOnlyList<int> Places(Capture capture) =>
    [
        .. Enumerable.Range(0, capture.Frames.Count).Where(index =>
            capture.News[index]?.AcknowledgmentBefore is not null && !capture.Frames[index].Tcp.HasAny(TcpFlags.Syn | TcpFlags.Rst)),
    ];

    public HarmReport Do(HarmScene scene, int place, DeterministicRandom random)
    {
        SegmentNews news = scene.Capture.News[place]!;
        uint last = news.AcknowledgmentBefore!.Value;
        int[] later = [.. news.Connection.Indices.Where(index => index >= place)];
        foreach (TwinFrame frame in later.Select(index => scene.Secondary[index]))
        {
            TcpHeader header = frame.Tcp;
            if (!header.HasAny(TcpFlags.Ack) || !SerialNumber.IsBefore(last, header.Acknowledgment))
                continue;
            header.Acknowledgment = last;
            frame.TransportChanged = true;
        }

        return new HarmReport("ack", scene.Capture.Frames[place].Flow, [place + 1], ["ack"]);
    }
}
