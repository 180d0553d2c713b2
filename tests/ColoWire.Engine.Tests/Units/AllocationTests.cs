// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Fragments;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Pipelines;
using ColoWire.Engine.Tests.Bench;
using ColoWire.Tests.Shared;
using NUnit.Framework;

namespace ColoWire.Engine.Tests.Units;

/// <summary>Checks rule R9: in the steady state no frame allocates managed memory.</summary>
public sealed class AllocationTests
{
    private const int Rounds = 4_000;

    [TestCase(CompareMode.Lockstep)]
    [TestCase(CompareMode.Observe)]
    public void The_path_of_a_frame_allocates_nothing(CompareMode mode)
    {
        Packet[] packets =
        [
            new Segment(1000, new byte[900]), new Segment(1900, []), new Datagram("query"), new Echo(1, 1, new byte[56]),
            new Other(2, new byte[8]), new Segment(1, new byte[5000]) { Source = new byte[16], Destination = new byte[16] },
        ];
        byte[][] frames = Array.ConvertAll(packets, p => p.Bytes());
        RepeatingCapturePort primary = new(frames);
        RepeatingCapturePort secondary = new(frames);
        DiscardingInjectPort output = new();
        EngineOptions options = TestBench.SmallOptions with { Mode = mode };
        using FramePath path = new(options, primary, secondary, output, new NoCheckpoints());
        Run(path, 1000);
        long allocated = Allocation.LeastBytes(() => Run(path, Rounds));
        Assert.That(output.Statistics.Frames, Is.GreaterThan(Rounds));
        Assert.That(path.Gate.Requests, Is.Zero, "both replicas send the same");
        Assert.That(allocated, Is.Zero);
    }

    [TestCase(CompareMode.Lockstep)]
    [TestCase(CompareMode.Observe)]
    public void Replicas_in_step_allocate_nothing(CompareMode mode)
    {
        const int StreamBytes = 900;
        byte[][] frames = [new Segment(1000, new byte[StreamBytes]).Bytes(), new Datagram(new byte[40]).Bytes()];
        byte[][] others =
            [new Segment(1000, new byte[StreamBytes]) { Id = 7 }.Bytes(), new Datagram(new byte[40]) { Id = 7 }.Bytes()];
        DiscardingInjectPort output = new();
        using FramePath path = new(
            TestBench.SmallOptions with { Mode = mode },
            new RepeatingCapturePort(frames) { StreamBytes = StreamBytes },
            new RepeatingCapturePort(others) { StreamBytes = StreamBytes },
            output,
            new NoCheckpoints());
        Run(path, 1000);
        long allocated = Allocation.LeastBytes(() => Run(path, Rounds));
        Assert.That(path.Shards[0].Counters.Verified, Is.GreaterThan(2 * Rounds), "all new bytes of each round are verified");
        Assert.That(path.Gate.Requests, Is.Zero, "both replicas send the same");
        Assert.That(allocated, Is.Zero);
    }

    [Test]
    public void The_frames_of_clients_allocate_nothing_translated_or_not()
    {
        Segment answer = new(2000, []) { Syn = true };
        Segment acknowledgment = new(5000, new byte[100])
        {
            Ack = 2001,
            Source = answer.Destination,
            Destination = answer.Source,
            SourcePort = answer.DestinationPort,
            DestinationPort = answer.SourcePort,
            MacSource = answer.MacDestination,
            MacDestination = answer.MacSource,
        };
        byte[][] clients = [acknowledgment.Bytes(), (acknowledgment with { SourcePort = 1, Syn = true, HasAck = false }).Bytes()];
        EngineOptions options = TestBench.SmallOptions with { Inbound = InboundMode.Mirror };
        DiscardingInjectPort toSecondary = new();
        InboundPorts inbound = new(new RepeatingCapturePort(clients), new DiscardingInjectPort(), toSecondary);
        PipelinePorts ports = new(
            FramePath.MakeArena(options), new RepeatingCapturePort([answer.Bytes()]),
            new RepeatingCapturePort([(answer with { Sequence = 1000 }).Bytes()]), new DiscardingInjectPort(), inbound);
        using FramePath path = new(options, [ports], new NoCheckpoints());
        Run(path, 1000);
        long allocated = Allocation.LeastBytes(() => Run(path, Rounds));
        Assert.That(toSecondary.Statistics.Frames, Is.GreaterThan(2 * Rounds));
        Assert.That(path.Shards[0].Inbound![InboundCount.Translated], Is.GreaterThan(Rounds));
        Assert.That(path.Shards[0].Inbound![InboundCount.Unchanged], Is.GreaterThan(Rounds));
        Assert.That(allocated, Is.Zero);
    }

    [TestCase(CompareMode.Lockstep)]
    [TestCase(CompareMode.Observe)]
    public void Fragments_allocate_nothing_whether_they_make_a_datagram_or_not(CompareMode mode)
    {
        byte[] small = new Datagram(new byte[200]).Bytes();
        byte[] large = new Datagram(new byte[5000]) { Source = new byte[16], Destination = new byte[16] }.Bytes();
        byte[][] whole = [small, .. FragmentBuilder.Cut(large, 1, 0, 1400, 2800, 4200)];
        byte[][] cut = [.. FragmentBuilder.Cut(small, 2, 0, 104), large];
        byte[] overlap = FragmentBuilder.Fragment(small, 3, 96, new byte[16], more: true);
        DiscardingInjectPort output = new();
        using FramePath path = new(
            TestBench.SmallOptions with { Mode = mode }, new RepeatingCapturePort(whole),
            new RepeatingCapturePort([.. cut, FragmentBuilder.Cut(small, 3, 0, 104)[0], overlap]), output, new NoCheckpoints());
        Run(path, 1000);
        long allocated = Allocation.LeastBytes(() => Run(path, Rounds));
        Assert.That(
            path.Pipelines[0].PrimaryCapture.Reassembly.Datagrams[(int)DatagramOutcome.Reassembled], Is.GreaterThan(Rounds));
        Assert.That(path.Pipelines[0].SecondaryCapture.Reassembly.Datagrams[(int)DatagramOutcome.Overlapping], Is.GreaterThan(0));
        Assert.That(path.Gate.Requests, Is.Zero, "both replicas send the same");
        Assert.That(allocated, Is.Zero);
    }

    private static void Run(FramePath path, int rounds)
    {
        for (int i = 0; i < rounds; i++)
        {
            path.Poll(i * 1000L);
        }
    }

    private sealed class RepeatingCapturePort(byte[][] frames) : ICapturePort
    {
        private const int SequenceOffset = 38;

        private uint number;
        private uint sequence = 1000;

        public string Name => "repeating";

        /// <summary>By how much the sequence number of the first frame, a TCP segment, grows in each round.</summary>
        public uint StreamBytes { get; init; }

        public CaptureStatistics Statistics => new(number, 0, 0, 0, 0, 0);

        public int Receive(SlotPool pool, Span<FrameRef> batch, long nowNs)
        {
            int count = 0;
            while (count < frames.Length && pool.TryTake(frames[count].Length, out FrameRef slot))
            {
                frames[count].CopyTo(pool.Arena.SlotBytes(slot));
                if (count == 0 && StreamBytes != 0)
                {
                    BinaryPrimitives.WriteUInt32BigEndian(pool.Arena.SlotBytes(slot)[SequenceOffset..], sequence);
                    sequence += StreamBytes;
                }

                pool.Arena[slot].ArrivalNs = nowNs;
                pool.Arena[slot].Number = ++number;
                batch[count++] = slot;
            }

            return count;
        }

        public void Dispose()
        {
        }
    }

    private sealed class DiscardingInjectPort : IInjectPort
    {
        private readonly FrameRef[] taken = new FrameRef[EngineLimits.BatchFrames];
        private int takenCount;
        private long total;

        public string Name => "discarding";

        public InjectStatistics Statistics => new(total, 0, 0, 0, 0, 0);

        public int Inject(FrameArena arena, ReadOnlySpan<FrameRef> frames, long nowNs)
        {
            frames.CopyTo(taken);
            takenCount = frames.Length;
            total += takenCount;
            return takenCount;
        }

        public int Reclaim(Span<FrameRef> frames)
        {
            int count = takenCount;
            taken.AsSpan(0, count).CopyTo(frames);
            takenCount = 0;
            return count;
        }

        public void Dispose()
        {
        }
    }
}
