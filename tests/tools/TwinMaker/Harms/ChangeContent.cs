// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;

namespace ColoWire.TwinMaker.Harms;

/// <summary>Changes one byte or all bytes of a TCP segment or datagram, in each frame that carries them.</summary>
internal sealed class ChangeContent(string kind, bool wholly) : IHarm
{
    public IReadOnlyList<int> Places(Capture capture)
    {
        IEnumerable<int> segments = Enumerable.Range(0, capture.Frames.Count).Where(index => capture.News[index]?.NewLength > 0);
        IEnumerable<int> datagrams = capture.Datagrams
            .SelectMany(datagram => datagram.Indices)
            .Where(index => LengthOf(ColoWireRules.HardBytes(capture.Frames[index])) > 0);
        return [.. segments.Concat(datagrams).Order()];
    }

    public HarmReport Do(HarmScene scene, int place, DeterministicRandom random)
    {
        FlowKey flow = scene.Capture.Frames[place].Flow;
        if (scene.Capture.News[place] is SegmentNews news)
        {
            ChangeSegment(scene, place, news, random);
            return new HarmReport(kind, flow, [place + 1], ["payload"]);
        }

        // Datagrams may overtake one another, so a changed datagram cannot be distinguished from an additional one.
        ChangeDatagram(scene.Secondary[place], random);
        return new HarmReport(kind, flow, [place + 1], ["payload", "timeout"]);
    }

    private static int LengthOf(Range range) => range.End.Value - range.Start.Value;

    private void ChangeDatagram(TwinFrame frame, DeterministicRandom random)
    {
        Change(frame.Bytes.AsSpan()[ColoWireRules.HardBytes(frame)], random);
        frame.TransportChanged = true;
    }

    private void ChangeSegment(HarmScene scene, int place, SegmentNews news, DeterministicRandom random)
    {
        TwinFrame chosen = scene.Secondary[place];
        uint first = SegmentNews.FirstSequence(chosen) + (uint)news.NewOffset;
        byte[] changed = chosen.Payload.Slice(news.NewOffset, news.NewLength).ToArray();
        Change(changed, random);
        foreach (TwinFrame carrier in news.Connection.Indices.Select(index => scene.Secondary[index]).Where(frame => frame.IsTcpData))
        {
            int start = SerialNumber.Distance(SegmentNews.FirstSequence(carrier), first);
            for (int offset = 0; offset < changed.Length; offset++)
            {
                if (start + offset >= 0 && start + offset < carrier.Layout.PayloadLength)
                {
                    carrier.Payload[start + offset] = changed[offset];
                    carrier.TransportChanged = true;
                }
            }
        }
    }

    private void Change(Span<byte> content, DeterministicRandom random)
    {
        if (!wholly)
            content = content.Slice(random.Between(0, content.Length - 1), 1);
        foreach (ref byte value in content)
            value ^= (byte)random.Between(1, byte.MaxValue);
    }
}
