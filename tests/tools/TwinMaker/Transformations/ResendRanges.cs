// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;

namespace ColoWire.TwinMaker.Transformations;

/// <summary>Retransmits a range of the stream that begins and ends within earlier segments, as a sender with a new segmentation
/// does.</summary>
internal sealed class ResendRanges : ITransformation
{
    private const int Percent = 3;
    private const int LongestFrame = 1514;

    /// <summary>Number of consecutive segments from which the range is taken.</summary>
    private const int MostSegments = 4;

    private const TcpFlags Borders = TcpFlags.Syn | TcpFlags.Fin | TcpFlags.Rst | TcpFlags.Urg;

    public string Name => "resend";

    public void Apply(List<TwinFrame> frames, DeterministicRandom random)
    {
        Dictionary<FlowKey, List<TwinFrame>> recent = [];
        List<TwinFrame> result = [];
        foreach (TwinFrame frame in frames)
        {
            result.Add(frame);
            if (!frame.IsTcp)
                continue;
            if (!recent.TryGetValue(frame.Flow, out List<TwinFrame>? segments))
                recent[frame.Flow] = segments = [];
            Remember(segments, frame);
            if (segments.Count > 0 && random.Chance(Percent))
                result.Add(Again(segments, frame, random));
        }

        frames.Clear();
        frames.AddRange(result);
    }

    private static void Remember(List<TwinFrame> segments, TwinFrame frame)
    {
        if (frame.Tcp.HasAny(Borders))
        {
            segments.Clear();
            return;
        }

        if (frame.Layout.PayloadLength == 0)
            return;
        if (segments.Count > 0 && End(segments[^1]) != frame.Tcp.Sequence)
            segments.Clear();
        segments.Add(frame);
        if (segments.Count > MostSegments)
            segments.RemoveAt(0);
    }

    private static TwinFrame Again(List<TwinFrame> segments, TwinFrame latest, DeterministicRandom random)
    {
        byte[] stream = new byte[SerialNumber.Distance(segments[0].Tcp.Sequence, End(segments[^1]))];
        foreach (TwinFrame segment in segments)
            segment.Payload.CopyTo(stream.AsSpan(SerialNumber.Distance(segments[0].Tcp.Sequence, segment.Tcp.Sequence)));

        int start = random.Between(0, stream.Length - 1);
        int most = Math.Min(stream.Length - start, Math.Max(1, LongestFrame - latest.Layout.PayloadOffset));
        TwinFrame again = latest.WithTcpPayload(stream.AsSpan(start, random.Between(1, most)));
        TcpHeader header = again.Tcp;
        header.Sequence = segments[0].Tcp.Sequence + (uint)start;
        header.Flags |= TcpFlags.Psh;
        return again;
    }

    private static uint End(TwinFrame segment) => segment.Tcp.Sequence + (uint)segment.Layout.PayloadLength;
}
