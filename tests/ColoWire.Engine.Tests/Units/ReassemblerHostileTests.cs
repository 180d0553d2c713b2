// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Linq;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Tests.Bench;
using CsCheck;
using NUnit.Framework;

namespace ColoWire.Engine.Tests.Units;

/// <summary>Hostile fragments and very little memory: no input may crash the reassembler, make it spin, leak a slot or lose a
/// frame.</summary>
public sealed class ReassemblerHostileTests
{
    private static readonly byte[] Host6 = [0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

    private static readonly Gen<byte[]> Fragments =
        from isSix in Gen.Bool
        from id in Gen.UInt[1, 40]
        from place in Gen.Int[0, 8200]
        from near in Gen.Bool
        from length in Gen.Int[0, 1400]
        from more in Gen.Int[0, 3]
        from flips in Gen.Select(Gen.Int[12, 80], Gen.Byte).Array[0, 2]
        from isSpoilt in Gen.Int[0, 4]
        select Spoil(Make(isSix, id, near ? place % 12 : place, near ? length & 0x78 : length, more != 0), isSpoilt == 0 ? flips : []);

    private static readonly Gen<(byte[] Frame, int What)[]> Events = Gen.Select(Fragments, Gen.Int[0, 99 + Disturbance.Count]).Array[1, 400];

    [Test]
    public void Any_sequence_of_fragments_leaves_the_appliance_whole([Values] CompareMode mode, [Values(0, 3)] int largeSlots) => Events.Sample(
        events =>
        {
            EngineOptions options = TestBench.SmallOptions with
            {
                Mode = mode,
                SlotsPerSide = 96,
                LargeSlotsPerSide = largeSlots,
                Flows = 16,
                FragmentMemoryKiB = 256,
                MaxQueueSize = 20,
            };
            using TestBench bench = new(options, mode == CompareMode.Observe ? new NoCheckpoints() : null);
            foreach ((byte[] frame, int what) in events)
            {
                Act(bench, frame, what);
            }

            Disturbance.End(bench);
            // Frames that wait for a slot are taken before the stop: the timeout of incomplete datagrams alone must free slots.
            bench.Wait(3000);
            Assert.That(bench.Primary.Waiting + bench.Secondary.Waiting, Is.Zero, "a port still has frames");
            bench.StopAndCheckNothingLost();
            Assert.That(Counted(bench), Is.EqualTo(events.Count(e => e.What < 48)), "every primary frame is counted exactly once");
        }, iter: 400);

    private static long Counted(TestBench bench) =>
        bench.Sum(c => c.Verified + Sum(c.NotCompared) + Sum(c.Malformed) + Sum(c.Unverified));

    private static long Sum(ReadOnlySpan<long> counts)
    {
        long sum = 0;
        foreach (long count in counts)
        {
            sum += count;
        }

        return sum;
    }

    private static void Act(TestBench bench, byte[] frame, int what)
    {
        switch (what)
        {
            case < 48:
                bench.SendPrimary(frame);
                break;
            case < 96:
                bench.SendSecondary(frame);
                break;
            case 96:
                bench.Checkpoint();
                break;
            case 97:
                bench.Wait(1500);
                break;
            case < 100:
                bench.Wait(100);
                break;
            default:
                Disturbance.Make(bench, what - 100);
                break;
        }
    }

    private static byte[] Make(bool isSix, uint id, int place, int length, bool more)
    {
        Other packet = new(17, []) { DontFragment = false };
        packet = isSix ? packet with { Source = Host6, Destination = Host6 } : packet;
        return FragmentBuilder.Fragment(packet.Bytes(), id, place * 8 & 0xFFF8, Words.Fill('f', length), more);
    }

    private static byte[] Spoil(byte[] frame, (int At, byte With)[] flips)
    {
        foreach ((int at, byte with) in flips.Where(flip => flip.Item1 < frame.Length))
        {
            frame[at] = with;
        }

        return frame;
    }
}
