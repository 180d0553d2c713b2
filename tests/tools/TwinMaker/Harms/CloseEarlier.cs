// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using System.Linq;

namespace ColoWire.TwinMaker.Harms;

/// <summary>The second guest closes its stream one byte earlier: the last byte before the FIN is never sent.</summary>
internal sealed class CloseEarlier : IHarm
{
    /// <summary>If the FIN comes later than this after the missing byte, the timeout may report the missing byte first.</summary>
    private const long LongestGapMicroseconds = 1_000_000;

    public IReadOnlyList<int> Places(Capture capture) =>
        [.. Enumerable.Range(0, capture.Frames.Count).Where(index => capture.News[index] is { IsNewFin: true } && CanBeEarlier(capture, index))];

    public HarmReport Do(HarmScene scene, int place, DeterministicRandom random)
    {
        TwinFrame closing = scene.Capture.Frames[place];
        uint fin = SegmentNews.EndSequence(closing);
        List<int> connection = scene.Capture.News[place]!.Connection.Indices;
        int carrier = connection.First(index => Carries(scene.Capture.Frames[index], fin - 1));
        foreach (int index in connection)
            scene.Secondary[index] = Shortened(scene.Secondary[index], fin);

        bool soon = closing.TimeMicroseconds - scene.Capture.Frames[carrier].TimeMicroseconds <= LongestGapMicroseconds;
        string[] reasons = soon ? ["control"] : ["control", "timeout"];
        return new HarmReport("fin", closing.Flow, [.. new[] { carrier + 1, place + 1 }.Distinct()], reasons);
    }

    /// <summary>The byte before the FIN must be in the capture with one value only, and no byte may follow the FIN.</summary>
    private static bool CanBeEarlier(Capture capture, int place)
    {
        Connection connection = capture.News[place]!.Connection;
        uint fin = SegmentNews.EndSequence(capture.Frames[place]);
        return connection.Fins.Count == 1
            && connection.Bytes.ContainsKey(fin - 1) && !connection.Conflicts.Contains(fin - 1)
            && connection.Indices.All(index => !SerialNumber.IsBefore(fin, SegmentNews.EndSequence(capture.Frames[index])) ||
                capture.Frames[index].Layout.PayloadLength == 0);
    }

    private static bool Carries(TwinFrame frame, uint sequence)
    {
        int offset = SerialNumber.Distance(SegmentNews.FirstSequence(frame), sequence);
        return offset >= 0 && offset < frame.Layout.PayloadLength;
    }

    private static TwinFrame Shortened(TwinFrame frame, uint fin)
    {
        if (Carries(frame, fin - 1))
            return frame.WithTcpPayload(frame.Payload[..^1]);
        TcpHeader header = frame.Tcp;
        if (!SerialNumber.IsBefore(header.Sequence, fin))
        {
            header.Sequence--;
            frame.TransportChanged = true;
        }

        return frame;
    }
}
