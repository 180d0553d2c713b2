// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using ColoWire.Engine.Tests.Bench;
using NUnit.Framework;
using static ColoWire.Engine.Tests.Bench.Words;

namespace ColoWire.Engine.Tests.Scenarios;

/// <summary>A TCP connection whose SYN was not captured, after it has used 2^31 sequence numbers.</summary>
public sealed class LongFlowScenarios
{
    private const uint First = 1000;
    private const int SegmentBytes = 60_000;
    private const int SequenceOffset = 14 + 20 + 4;

    [TestCase(SegmentBytes, TestName = "Scenario_99_a_segment_out_of_order_only_waits_after_half_the_circle_in_the_fast_way")]
    [TestCase(100, TestName = "Scenario_99_a_segment_out_of_order_only_waits_after_half_the_circle_in_the_general_way")]
    public void Scenario_99_a_segment_out_of_order_only_waits_after_half_the_circle(int secondaryCutsAt)
    {
        using TestBench bench = new(TestBench.SmallOptions);
        byte[] payload = Fill('L', SegmentBytes);
        byte[] whole = new Segment(First, payload).Bytes();
        byte[] front = new Segment(First, payload[..secondaryCutsAt]).Bytes();
        byte[] rest = new Segment(First, payload[secondaryCutsAt..]).Bytes();
        uint at = First;
        for (; at - First < (1u << 31) + (1u << 25); at += SegmentBytes)
        {
            BinaryPrimitives.WriteUInt32BigEndian(whole.AsSpan(SequenceOffset), at);
            BinaryPrimitives.WriteUInt32BigEndian(front.AsSpan(SequenceOffset), at);
            BinaryPrimitives.WriteUInt32BigEndian(rest.AsSpan(SequenceOffset), at + (uint)secondaryCutsAt);
            bench.SendPrimary(whole);
            bench.SendSecondary(front);
            bench.SendSecondary(rest);
            bench.ForgetWhatLeft();
        }

        Segment next = new(at, B.Payload);
        Segment behind = new(at + 100, C.Payload);
        P(behind)(bench);
        S(new Segment(at + 200, A.Payload))(bench);
        bench.Wait(100);
        Out()(bench);
        Cp(0)(bench);
        S(behind, next)(bench);
        P(next)(bench);
        Out(behind, next)(bench);
        // Bytes that only the secondary sends are found at the timeout, and are not taken for bytes of before the flow was first
        // seen.
        bench.Wait(10_000);
        Cp(1, DivergenceReason.Timeout)(bench);
        bench.StopAndCheckNothingLost();
    }
}
