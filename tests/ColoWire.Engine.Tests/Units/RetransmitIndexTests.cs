// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using System.Linq;
using ColoWire.Engine.Compare;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Tests.Bench;
using ColoWire.Engine.Wire;
using CsCheck;
using NUnit.Framework;

namespace ColoWire.Engine.Tests.Units;

/// <summary>Compares the index over cached segments with a linear search over all of them.</summary>
public sealed class RetransmitIndexTests
{
    private const int MostKept = 40;
    private const int Slots = 64;

    /// <summary>Near the segment before, at exactly its position, or at and beyond the greatest distance of two frames in one
    /// index.</summary>
    private static readonly Gen<uint> Distances = Gen.Frequency(
        (10, Gen.Const(0u)),
        (60, Gen.UInt[0, 300]),
        (20, Gen.UInt[0, 300].Select(back => 0u - back)),
        (10, Gen.UInt[1u << 28, 1u << 29]),
        (1, Gen.UInt[1u << 30, 3u << 30]));

    private static readonly Gen<(uint Distance, uint Bytes, int AskedBehind, uint AskedBytes)[]> Histories =
        Gen.Select(Distances, Gen.UInt[1, 200], Gen.Int[-1, MostKept - 1], Gen.UInt[1, 400]).Array[1, 400];

    [Test]
    public void A_search_finds_what_a_walk_finds() => Histories.Sample(history =>
    {
        using FrameArena arena = new(Slots, 0);
        RetransmitIndex index = new(arena, new StepMeter(), MostKept);
        Flow flow = NewStream();
        uint position = 0;
        uint number = 0;
        foreach ((uint distance, uint bytes, int askedBehind, uint askedBytes) in history)
        {
            position += distance;
            FrameRef kept = new(number % Slots);
            arena[kept] = new Frame { Number = ++number };
            arena[kept].Segment = new HeldSegment { StreamStart = position, StreamEnd = position + bytes };
            if (flow.Cached.Count == MostKept)
            {
                index.Remove(ref flow, flow.Cached.Head);
                flow.Cached.RemoveHead(arena);
            }

            flow.Cached.Append(arena, kept);
            index.Add(ref flow, kept);
            if (askedBehind >= 0 && askedBehind < flow.Cached.Count)
            {
                AssertFinds(arena, index, ref flow, askedBehind, askedBytes);
            }
        }
    });

    private static Flow NewStream()
    {
        Flow flow = new() { Cached = FrameFifo.Empty };
        byte[] bytes = Words.A.Bytes();
        FrameParser.Parse(bytes, out FrameLayout layout);
        FlowKey.Read(bytes, in layout, out flow.Key);
        flow.RetransmitIndex.Root = FrameRef.None;
        return flow;
    }

    private static void AssertFinds(FrameArena arena, RetransmitIndex index, ref Flow flow, int askedBehind, uint askedBytes)
    {
        List<FrameRef> all = [];
        for (FrameRef at = flow.Cached.Head; !at.IsNone; at = arena[at].Next)
        {
            all.Add(at);
        }

        uint from = arena[all[askedBehind]].Segment.StreamStart - (askedBytes / 2);
        uint end = from + askedBytes;
        uint[] expected = [.. all.Where(kept => Meets(arena[kept])).Select(kept => kept.Slot).Order()];
        uint[] found = [.. index.FindMeeting(ref flow, from, end).ToArray().Select(kept => kept.Slot).Order()];
        Assert.That(found, Is.EqualTo(expected));

        bool Meets(Frame kept) => TcpSequence.TryMeet(from, end, kept.Segment.StreamStart, kept.Segment.StreamEnd, out _, out _);
    }
}
