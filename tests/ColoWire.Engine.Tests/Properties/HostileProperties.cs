// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Linq;
using ColoWire.Engine.Tests.Bench;
using CsCheck;
using NUnit.Framework;

namespace ColoWire.Engine.Tests.Properties;

/// <summary>Guests that send arbitrary frames, by intent or as victims: no input may crash the engine, make it spin, leak a slot
/// or lose a frame.</summary>
public sealed class HostileProperties
{
    // Sequence numbers spread over the whole 32-bit range, and the neighbours of each.
    private static readonly Gen<uint> Sequences =
        Gen.Select(Gen.UInt[0, 7], Gen.UInt[0, 300]).Select((eighth, near) => (eighth << 29) + near - 100);

    private static readonly Gen<Segment> Segments =
        Gen.Select(Sequences, Gen.Int[0, 120], Gen.Int[0, 255], Sequences, Gen.Int[0, 19]).Select((sequence, length, flags, ack, other) =>
            new Segment(sequence, Words.Fill(other == 0 ? 'B' : 'A', length))
            {
                Syn = (flags & 31) == 0,
                Fin = (flags & 15) == 1,
                Rst = flags == 2,
                HasAck = (flags & 64) == 0,
                Ack = ack,
            });

    [Test]
    public void Any_sequence_of_segments_leaves_the_appliance_whole() =>
        Gen.Select(Segments, Gen.Int[0, 99 + Disturbance.Count]).Array[1, 150].Sample(
            events =>
            {
                byte[][][] left = new byte[2][][];
                BothWays.Agree(predicts =>
                {
                    using TestBench bench = new(
                        TestBench.SmallOptions with { SlotsPerSide = 128, Flows = 16, MaxQueueSize = 40, Predicts = predicts });
                    foreach ((Segment segment, int what) in events)
                    {
                        Act(bench, segment, what);
                    }

                    bench.StopAndCheckNothingLost();
                    left[predicts ? 0 : 1] = [.. bench.Output.Frames];
                    return bench.Counters;
                });
                Assert.That(left[0].Select(Convert.ToHexString), Is.EqualTo(left[1].Select(Convert.ToHexString)));
            },
            iter: 3000);

    private static void Act(TestBench bench, Segment segment, int what)
    {
        if (what < 20)
        {
            bench.SendPrimary(segment.Bytes());
        }
        else if (what < 40)
        {
            // Bytes that both replicas sent are verified and remembered; only then can a later segment be taken for a
            // retransmission.
            bench.SendPrimary(segment.Bytes());
            bench.SendSecondary(segment.Bytes());
        }
        else if (what < 96)
        {
            bench.SendSecondary(segment.Bytes());
        }
        else if (what == 96)
        {
            bench.Checkpoint();
        }
        else if (what < 100)
        {
            bench.Wait(1000);
        }
        else
        {
            Disturbance.Make(bench, what - 100);
        }
    }
}
