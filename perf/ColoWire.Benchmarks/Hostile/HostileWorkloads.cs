// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using ColoWire.Engine;
using ColoWire.Figures;

namespace ColoWire.Benchmarks.Hostile;

/// <summary>All workloads of <c>hostile</c>, each with its ordinary workload.</summary>
internal static class HostileWorkloads
{
    private const int TurnFrames = 1 << 14;
    private const int ManySlots = 1 << 17;
    private const int MostFlows = 1 << 20;
    private const int FewFlows = 1 << 12;
    private const int SomeFlows = 64;
    private const uint Guest = 0x0A00_0001;
    private const uint Spacing = 2 * HostileFrames.SegmentBytes;

    private static readonly Bar PerFrame = new(BarSubject.Ratio, Most: 3);
    private static readonly Bar PerPoll = new(BarSubject.Value, Most: 1e6);

    private static readonly EngineOptions Patient = new()
    {
        CompareTimeoutMs = EngineLimits.CompareTimeoutMs.Maximum,
        SlotsPerSide = ManySlots,
        MaxQueueSize = 1 << 15,
        ReorderWindow = EngineLimits.ReorderWindow.Maximum,
        GraceMs = EngineLimits.GraceMs.Maximum,
        LargeSlotsPerSide = 0,
    };

    /// <summary>All workloads.</summary>
    public static IEnumerable<HostileContest> All()
    {
        foreach (int waiting in (int[])[1000, 30_000])
        {
            yield return Frames(
                $"TCP segments beyond the window, {waiting:N0} wait", () => BeyondWindow(waiting), "1 waits", () => BeyondWindow(1));
            yield return Frames(
                $"TCP segments in no order, blocks of {waiting:N0}", () => Disorder(waiting, true), "in order", () => Disorder(waiting, false));
            yield return Frames(
                $"datagrams in reverse, blocks of {waiting:N0}", () => Reverse(waiting, true), "in order", () => Reverse(waiting, false));
        }

        int most = EngineLimits.RetransmitWindow.Maximum;
        int usual = EngineLimits.RetransmitWindow.Default;
        yield return Frames(
            $"TCP retransmissions, retransmit_window {most}",
            () => Retransmissions(most),
            $"retransmit_window {usual}",
            () => Retransmissions(usual));
        foreach (bool areEqual in (bool[])[false, true])
        {
            yield return Frames(
                $"{(areEqual ? "equal" : "different")} datagrams, dup pass, retransmit_window {most}",
                () => Datagrams(most, areEqual),
                "retransmit_window 1",
                () => Datagrams(1, areEqual: false));
        }

        yield return Frames("new flows, all are busy", () => NewFlows(false), "all are idle", () => NewFlows(true));
        yield return Frames(
            "fragments at the end of datagrams that never become whole", LastFragments, "datagrams of two fragments", WholeDatagrams);
        yield return Polls("longest poll of a flush, 1,048,576 flows", flows => Checkpoints(flows, holds: false), MostFlows);
        yield return Polls("longest poll of a flush, 32,768 flows hold", flows => Checkpoints(flows, holds: true), 1 << 15);
        yield return Polls("longest poll while slots run out, 1,048,576 flows", Relief, MostFlows);
    }

    private static HostileContest Frames(string what, Func<HostileRun> hostile, string anchor, Func<HostileRun> ordinary) =>
        new(what, hostile, anchor, ordinary, PerFrame);

    private static HostileContest Polls(string what, Func<int, HostileRun> run, int flows) =>
        new(what, () => run(flows), "64 flows", () => run(SomeFlows), PerPoll);

    private static HostileRun BeyondWindow(int waiting)
    {
        FrameWriter beyond = (slot, number) => HostileFrames.Segment(slot, Guest, (3u << 29) + ((uint)number * Spacing));
        return HostileRun.PerFrame(
            Patient,
            rig => rig.Secondary((slot, number) => HostileFrames.Segment(slot, Guest, (uint)(number + 1) * Spacing), waiting),
            rig =>
            {
                rig.Secondary(beyond, TurnFrames);
                return TurnFrames;
            });
    }

    private static HostileRun Disorder(int block, bool inNoOrder)
    {
        int[] order = new int[block];
        for (int i = 0; i < block; i++)
        {
            order[i] = i;
        }

        if (inNoOrder)
        {
            new Random(1).Shuffle(order);
        }

        uint start = 0;
        FrameWriter ofPrimary = (slot, number) =>
            HostileFrames.Segment(slot, Guest, start + ((uint)number * HostileFrames.SegmentBytes));
        FrameWriter ofSecondary = (slot, number) =>
            HostileFrames.Segment(slot, Guest, start + ((uint)order[number] * HostileFrames.SegmentBytes));
        return HostileRun.PerFrame(
            Patient,
            rig => rig.Both(ofPrimary, 1),
            rig =>
            {
                int blocks = Math.Max(1, TurnFrames / block);
                for (int i = 0; i < blocks; i++)
                {
                    rig.Secondary(ofSecondary, block);
                    rig.Primary(ofPrimary, block);
                    start += (uint)block * HostileFrames.SegmentBytes;
                }

                return 2 * blocks * block;
            });
    }

    private static HostileRun Reverse(int block, bool inReverse)
    {
        uint first = 0;
        FrameWriter ofPrimary = (slot, number) => HostileFrames.Datagram(slot, Guest, first + (uint)number);
        FrameWriter ofSecondary = inReverse
            ? (slot, number) => HostileFrames.Datagram(slot, Guest, first + (uint)(block - 1 - number))
            : ofPrimary;
        return HostileRun.PerFrame(
            Patient,
            _ => { },
            rig =>
            {
                int blocks = Math.Max(1, TurnFrames / block);
                for (int i = 0; i < blocks; i++)
                {
                    rig.Secondary(ofSecondary, block);
                    rig.Primary(ofPrimary, block);
                    first += (uint)block;
                }

                return 2 * blocks * block;
            });
    }

    private static HostileRun Retransmissions(int window)
    {
        int kept = EngineLimits.RetransmitWindow.Maximum;
        FrameWriter once = (slot, number) => HostileFrames.Segment(slot, Guest, (uint)number * HostileFrames.SegmentBytes);
        FrameWriter again = (slot, number) =>
            HostileFrames.Segment(slot, Guest, (uint)((number * 1021) & (kept - 1)) * HostileFrames.SegmentBytes);
        return HostileRun.PerFrame(
            Patient with { RetransmitWindow = window },
            rig => rig.Both(once, kept),
            rig =>
            {
                rig.Primary(again, TurnFrames);
                return TurnFrames;
            });
    }

    private static HostileRun Datagrams(int window, bool areEqual)
    {
        uint first = 0;
        FrameWriter frames = (slot, number) => HostileFrames.Datagram(slot, Guest, areEqual ? 0 : first + (uint)number);
        return HostileRun.PerFrame(
            Patient with { Duplicate = DuplicatePolicy.Pass, RetransmitWindow = window },
            _ => { },
            rig =>
            {
                const int Batch = 64;
                for (int i = 0; i < TurnFrames / Batch; i++)
                {
                    rig.Primary(frames, Batch);
                    rig.Secondary(frames, Batch);
                    first += Batch;
                }

                return 2 * TurnFrames;
            });
    }

    private static HostileRun NewFlows(bool areAnswered)
    {
        uint next = Guest;
        FrameWriter frames = (slot, number) => HostileFrames.Datagram(slot, next + (uint)number, 0);
        return HostileRun.PerFrame(
            Patient with { Flows = FewFlows, MaxQueueSize = 1024 },
            _ => { },
            rig =>
            {
                const int Batch = 64;
                for (int i = 0; i < TurnFrames / Batch; i++)
                {
                    rig.Primary(frames, Batch);
                    if (areAnswered)
                    {
                        rig.Secondary(frames, Batch);
                    }

                    next += Batch;
                }

                return TurnFrames;
            });
    }

    private static readonly EngineOptions Fragmented = Patient with
    {
        LargeSlotsPerSide = 4096,
        FragmentMemoryKiB = EngineLimits.FragmentMemoryKiB.Maximum,
        FragmentTimeoutMs = EngineLimits.FragmentTimeoutMs.Minimum,
        GraceMs = 0,
    };

    private static HostileRun LastFragments()
    {
        const int LastUnit = 65_000;
        uint next = 0;
        FrameWriter frames = (slot, number) => HostileFrames.Fragment(slot, next + (uint)number, LastUnit, hasMore: true);
        return HostileRun.PerFrame(
            Fragmented,
            _ => { },
            rig =>
            {
                rig.Both(frames, TurnFrames);
                next += TurnFrames;
                return 2 * TurnFrames;
            });
    }

    private static HostileRun WholeDatagrams()
    {
        uint next = 0;
        FrameWriter frames = (slot, number) => HostileFrames.Fragment(
            slot, next + ((uint)number / 2), 8 * (number % 2), hasMore: number % 2 == 0);
        return HostileRun.PerFrame(
            Fragmented,
            _ => { },
            rig =>
            {
                rig.Both(frames, TurnFrames);
                next += TurnFrames / 2;
                return 2 * TurnFrames;
            });
    }

    private static HostileRun Checkpoints(int flows, bool holds)
    {
        FrameWriter frames = (slot, number) => HostileFrames.Datagram(slot, Guest + (uint)number, 0);
        return HostileRun.LongestPoll(
            Patient with { Flows = flows },
            rig =>
            {
                rig.Both(frames, flows);
                rig.Settle();
            },
            rig =>
            {
                if (holds)
                {
                    rig.Primary(frames, flows);
                    rig.Settle();
                    rig.LongestPollNs = 0;
                }

                rig.Path.Flush();
                rig.Settle();
            });
    }

    private static HostileRun Relief(int flows)
    {
        const int HoldingFlows = 40;
        const int Slots = 1 << 15;
        FrameWriter known = (slot, number) => HostileFrames.Datagram(slot, Guest + (uint)number, 0);
        FrameWriter held = (slot, number) => HostileFrames.Datagram(slot, Guest + (uint)(number % HoldingFlows), (uint)number);
        return HostileRun.LongestPoll(
            Patient with { Flows = flows, SlotsPerSide = Slots, MaxQueueSize = 1024 },
            rig =>
            {
                rig.Both(known, flows);
                rig.Settle();
            },
            rig =>
            {
                rig.Path.Flush();
                rig.Settle();
                rig.Primary(held, Slots - 128);
                rig.LongestPollNs = 0;
                rig.Give(held, 256);
                rig.NowNs += EngineLimits.ReliefIntervalNs;
                rig.Settle();
            });
    }
}
