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
        Gen.Select(Sequences, Gen.Int[0, 120], Gen.Int[0, 255], Sequences, Gen.Int[0, 19])
            .Select((sequence, length, flags, ack, other) =>
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

    [Test]
    public void Any_bytes_of_clients_reach_both_replicas_or_are_counted_and_no_slot_is_lost() =>
        Gen.Select(Segments, Gen.Int[0, 60], Gen.Byte).Array[1, 80].Sample(
            events =>
            {
                using TestBench bench = new(TestBench.SmallOptions with { SlotsPerSide = 128, Inbound = InboundMode.Mirror });
                bench.SendPrimary(new Segment(2000, []) { Syn = true }.Bytes());
                bench.SendSecondary(new Segment(1000, []) { Syn = true }.Bytes());
                foreach ((Segment segment, int at, byte value) in events)
                {
                    // The same connection in the other direction, with one byte that may be anything.
                    byte[] frame = (segment with
                    {
                        Source = segment.Destination,
                        Destination = segment.Source,
                        SourcePort = segment.DestinationPort,
                        DestinationPort = segment.SourcePort,
                        Options = [1, 1, 5, 10, 0, 0, 8, 0, 0, 0, 9, 0],
                    }).Bytes();
                    frame[at] = value;
                    bench.SendWorld(frame);
                }

                bench.Poll();
                long drops = 0;
                foreach (long count in bench.Path.Pipelines[0].Inbound!.World.Filter.Drops)
                {
                    drops += count;
                }

                Assert.That(bench.ToPrimary.Frames, Has.Count.EqualTo(events.Length - drops));
                Assert.That(bench.ToSecondary.Frames, Has.Count.EqualTo(events.Length - drops));
                bench.StopAndCheckSlots();
            },
            iter: 2000);

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
