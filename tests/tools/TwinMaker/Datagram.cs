// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Linq;

namespace ColoWire.TwinMaker;

/// <summary>A datagram that ColoWire compares: one frame, or all fragments of a complete datagram.</summary>
/// <param name="Indices">Indices of its frames in the capture, in the order of the capture.</param>
/// <param name="Flow">The flow that it belongs to.</param>
internal sealed record Datagram(IReadOnlyList<int> Indices, FlowKey Flow)
{
    public int First => Indices[0];

    public static IReadOnlyList<Datagram> Of(IReadOnlyList<TwinFrame> frames)
    {
        List<Datagram> datagrams = [];
        Dictionary<(FlowKey, uint), List<int>> fragments = [];
        for (int index = 0; index < frames.Count; index++)
        {
            TwinFrame frame = frames[index];
            if (!frame.IsDatagram || !ColoWireRules.IsCompared(frame))
                continue;
            if (!frame.Layout.IsFragment)
            {
                datagrams.Add(new Datagram([index], frame.Flow));
                continue;
            }

            (FlowKey, uint) key = (frame.Flow, FlowFinder.Identification(frame.Bytes, frame.Layout));
            if (!fragments.TryGetValue(key, out List<int>? parts))
                fragments[key] = parts = [];
            parts.Add(index);
            if (IsWhole(frames, parts))
            {
                datagrams.Add(new Datagram(parts, frame.Flow));
                fragments.Remove(key);
            }
        }

        return [.. datagrams.OrderBy(datagram => datagram.First)];
    }

    private static bool IsWhole(IReadOnlyList<TwinFrame> frames, List<int> parts)
    {
        int expected = 0;
        bool hasMore = true;
        foreach ((int start, int length, bool more) in parts.Select(index => Place(frames[index])).OrderBy(place => place.Start))
        {
            if (start != expected || !hasMore)
                return false;
            expected += length;
            hasMore = more;
        }

        return !hasMore;
    }

    private static (int Start, int Length, bool HasMore) Place(TwinFrame frame)
    {
        FrameLayout layout = frame.Layout;
        int length = layout.IpEnd - layout.TransportOffset;
        if (layout.IpVersion == 4)
        {
            int field = BinaryPrimitives.ReadUInt16BigEndian(frame.Network[6..]);
            return ((field & 0x1FFF) * 8, length, (field & 0x2000) != 0);
        }

        int fragment = BinaryPrimitives.ReadUInt16BigEndian(frame.Bytes.AsSpan(layout.Ipv6FragmentOffset + 2));
        return (fragment & 0xFFF8, length, (fragment & 1) != 0);
    }
}
