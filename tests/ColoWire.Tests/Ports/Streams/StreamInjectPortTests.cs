// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Threading;
using ColoWire.Engine;
using ColoWire.Engine.Frames;
using ColoWire.Ports;
using ColoWire.Ports.Streams;
using ColoWire.Tests.Shared;
using NUnit.Framework;

namespace ColoWire.Tests.Ports.Streams;

[TestFixture]
internal sealed class StreamInjectPortTests
{
    private const long Millisecond = 1_000_000;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private ScratchFolder folder = null!;
    private FrameArena arena = null!;
    private StreamEndpoint endpoint = null!;

    [SetUp]
    public void SetUp()
    {
        folder = new ScratchFolder();
        arena = new FrameArena(smallSlotsPerSide: 2048, largeSlotsPerSide: 64);
        endpoint = new StreamEndpoint(folder.File("out"), null, 0, IsServer: true);
    }

    [TearDown]
    public void TearDown()
    {
        arena.Dispose();
        folder.Dispose();
    }

    [Test]
    public void Frames_of_every_length_are_sent_in_order_each_behind_its_length()
    {
        int[] lengths = [1, 60, 1514, 9000, 60_000, EngineLimits.MaxFrameBytes, 60, EngineLimits.MaxFrameBytes, EngineLimits.MaxFrameBytes, 60];
        using StreamInjectPort port = new(endpoint);
        using StreamPeer peer = Connect(port);
        FrameRef[] frames = [.. lengths.Select(length => Frame(length))];
        int taken = 0;
        List<byte[]> received = [];
        Thread reader = new(() => received.AddRange(lengths.Select(_ => peer.ReadFrame())));
        reader.Start();
        WaitUntil(() => (taken += port.Inject(arena, frames.AsSpan(taken), 0)) == frames.Length);
        reader.Join();
        Assert.That(received, Is.EqualTo(frames.Select(frame => arena.Bytes(frame).ToArray())));
        Assert.That((port.Statistics.Frames, port.Statistics.Bytes, port.Statistics.Lost), Is.EqualTo((10, lengths.Sum(n => (long)n), 0)));
        Assert.That(Back(port), Is.EquivalentTo(frames));
    }

    [TestCase(10)]
    [TestCase(12)]
    [TestCase(20)]
    [TestCase(0)]
    public void Scenario_40_a_frame_of_a_stream_is_sent_with_the_header_that_it_was_received_with(int headerBytes)
    {
        using StreamInjectPort port = new(endpoint, hasVnetHeaders: true);
        using StreamPeer peer = Connect(port);
        byte[] header = PcapBuilder.Frame(headerBytes, 5);
        byte[] frame = PcapBuilder.Frame(60, 6);
        Assert.That(port.KeepsVnetHeader, Is.True);
        Assert.That(port.Inject(arena, [FrameOfStream(header, frame)], 0), Is.EqualTo(1));
        byte[] expected = StreamPeer.Framed(header, frame);
        Assert.That(peer.Read(expected.Length), Is.EqualTo(expected));
        Assert.That(port.Statistics.Bytes, Is.EqualTo(60));
    }

    [Test]
    public void A_frame_of_another_kind_of_port_gets_a_header_of_zeros()
    {
        using StreamInjectPort port = new(endpoint, hasVnetHeaders: true);
        using StreamPeer peer = Connect(port);
        FrameRef frame = Frame(60);
        port.Inject(arena, [frame], 0);
        byte[] expected = StreamPeer.Framed(new byte[12], arena.Bytes(frame).ToArray());
        Assert.That(peer.Read(expected.Length), Is.EqualTo(expected));
    }

    [Test]
    public void Without_headers_a_frame_of_a_stream_is_sent_without_one()
    {
        using StreamInjectPort port = new(endpoint);
        using StreamPeer peer = Connect(port);
        byte[] frame = PcapBuilder.Frame(60, 6);
        Assert.That(port.KeepsVnetHeader, Is.False);
        port.Inject(arena, [FrameOfStream(new byte[12], frame)], 0);
        Assert.That(peer.ReadFrame(), Is.EqualTo(frame));
    }

    [Test]
    public void A_frame_of_0_bytes_is_never_sent_because_QEMU_exits_at_one()
    {
        using StreamInjectPort port = new(endpoint);
        using StreamPeer peer = Connect(port);
        FrameRef[] frames = [Frame(0), Frame(60), Frame(0), Frame(61)];
        Assert.That(port.Inject(arena, frames, 0), Is.EqualTo(4));
        Assert.That((peer.ReadFrame().Length, peer.ReadFrame().Length), Is.EqualTo((60, 61)));
        Assert.That((port.Statistics.Frames, port.Statistics.Failed), Is.EqualTo((2, 2)));
    }

    [Test]
    public void Without_a_connection_frames_wait_for_the_retry_time_and_are_then_lost()
    {
        using StreamInjectPort port = new(endpoint, sendRetryMs: 50);
        FrameRef[] frames = [Frame(60), Frame(61)];
        Assert.That(port.Inject(arena, frames, 0), Is.Zero);
        Assert.That(port.Inject(arena, frames, 49 * Millisecond), Is.Zero);
        Assert.That(port.Statistics.Retries, Is.EqualTo(2));
        Assert.That(port.Inject(arena, frames, 50 * Millisecond), Is.EqualTo(2));
        Assert.That((port.Statistics.LinkDown, port.Statistics.Lost), Is.EqualTo((2, 2)));
        Assert.That((port.Link, port.Trouble), Is.EqualTo((LinkState.Down, "no client has connected yet")));
        Assert.That(Back(port), Is.EquivalentTo(frames));
    }

    [Test]
    public void A_frame_that_waits_is_sent_when_a_client_connects()
    {
        using StreamInjectPort port = new(endpoint);
        FrameRef[] frames = [Frame(60)];
        Assert.That(port.Inject(arena, frames, 0), Is.Zero);
        using StreamPeer peer = Connect(port);
        WaitUntil(() => port.Inject(arena, frames, Millisecond) == 1);
        Assert.That(peer.ReadFrame(), Is.EqualTo(arena.Bytes(frames[0]).ToArray()));
        Assert.That(port.Statistics.Lost, Is.Zero);
    }

    [Test]
    public void A_peer_that_reads_slowly_receives_every_frame_once()
    {
        using StreamInjectPort port = new(endpoint);
        using StreamPeer peer = Connect(port);
        FrameRef[] frames = [.. Enumerable.Range(0, 64).Select(i => Frame(i % 8 == 0 ? 60_000 + i : 1000 + i))];
        for (int round = 0; round < 4; round++)
        {
            int taken = 0;
            int read = 0;
            WaitUntil(() =>
            {
                int now = port.Inject(arena, frames.AsSpan(taken), 0);
                taken += now;
                if (now == 0)
                {
                    Assert.That(peer.ReadFrame(), Is.EqualTo(arena.Bytes(frames[read++]).ToArray()));
                }

                return taken == frames.Length;
            });
            for (; read < frames.Length; read++)
            {
                Assert.That(peer.ReadFrame(), Is.EqualTo(arena.Bytes(frames[read]).ToArray()));
            }

            Assert.That(Back(port), Is.EquivalentTo(frames));
        }

        Assert.That(port.Statistics.Retries, Is.Positive);
        Assert.That((port.Statistics.Frames, port.Statistics.Lost), Is.EqualTo((256, 0)));
    }

    [Test]
    public void A_peer_that_does_not_read_loses_whole_frames_after_the_retry_time_and_never_a_part_of_one()
    {
        using StreamInjectPort port = new(endpoint, sendRetryMs: 100);
        using StreamPeer peer = Connect(port);
        // So long that the socket takes a part of the last one.
        FrameRef[] frames = [.. Enumerable.Range(0, 40).Select(i => Frame(50_000 + i))];
        int taken = port.Inject(arena, frames, 0);
        Assert.That(taken, Is.InRange(1, 38), "the socket is full");
        Assert.That(port.Inject(arena, frames.AsSpan(taken), 99 * Millisecond), Is.Zero);
        Assert.That(port.Statistics.Lost, Is.Zero);
        Assert.That(port.Inject(arena, frames.AsSpan(taken), 100 * Millisecond), Is.EqualTo(frames.Length - taken));
        long lost = port.Statistics.Failed;
        Assert.That(lost, Is.InRange(frames.Length - taken - 1, frames.Length - taken), "all but the one that was sent in part");
        Assert.That(Back(port), Is.EquivalentTo(frames));

        for (int i = 0; i < frames.Length - lost; i++)
        {
            port.Inject(arena, [], 101 * Millisecond);
            Assert.That(peer.ReadFrame(), Is.EqualTo(arena.Bytes(frames[i]).ToArray()));
        }

        FrameRef last = Frame(60);
        Assert.That(port.Inject(arena, [last], 102 * Millisecond), Is.EqualTo(1));
        Assert.That(peer.ReadFrame(), Is.EqualTo(arena.Bytes(last).ToArray()));
        Assert.That((port.Statistics.Frames, port.Statistics.Failed, port.Statistics.LinkDown), Is.EqualTo((frames.Length - lost + 1, lost, 0)));
    }

    [Test]
    public void A_frame_that_a_broken_connection_truncates_is_sent_whole_on_the_next_one()
    {
        using StreamInjectPort port = new(endpoint, sendRetryMs: 10_000);
        FrameRef[] frames = [.. Enumerable.Range(0, 40).Select(i => Frame(50_000 + i))];
        int taken;
        using (StreamPeer peer = Connect(port))
        {
            taken = port.Inject(arena, frames, 0);
            Assert.That(taken, Is.InRange(1, 38), "the socket is full");
        }

        WaitUntil(() => port.Inject(arena, frames.AsSpan(taken), 1) == 0 && port.Link == LinkState.Down);
        using StreamPeer next = Connect(port);
        WaitUntil(() => port.Inject(arena, frames.AsSpan(taken, 1), 2) == 1);
        Assert.That(next.ReadFrame(), Is.EqualTo(arena.Bytes(frames[taken]).ToArray()));
        Assert.That((port.Statistics.Frames, port.Statistics.Lost), Is.EqualTo((taken + 1, 0)));
    }

    [Test]
    public void The_rest_of_a_reclaimed_frame_is_lost_with_the_connection_and_counted()
    {
        using StreamInjectPort port = new(endpoint, sendRetryMs: 0);
        FrameRef[] frames = [.. Enumerable.Range(0, 40).Select(i => Frame(50_000 + i))];
        using (StreamPeer peer = Connect(port))
        {
            Assert.That(port.Inject(arena, frames, 0), Is.EqualTo(40));
            Assert.That(port.Statistics.Frames + port.Statistics.Lost, Is.EqualTo(39), "one is sent in part");
        }

        WaitUntil(() => port.Inject(arena, [], PortLimits.LinkCycleNs) == 0 && port.Link == LinkState.Down);
        Assert.That(port.Statistics.LinkDown, Is.EqualTo(1));
        Assert.That(port.Statistics.Frames + port.Statistics.Lost, Is.EqualTo(40));
    }

    [Test]
    public void A_peer_that_closes_is_noticed_while_nothing_is_sent_and_its_bytes_are_discarded()
    {
        using StreamInjectPort port = new(endpoint);
        using (StreamPeer peer = Connect(port))
        {
            peer.Send(new byte[20_000]);
            for (int look = 0; look < 10; look++)
            {
                port.Inject(arena, [], look * PortLimits.LinkCycleNs);
            }

            Assert.That(port.Link, Is.EqualTo(LinkState.Up));
        }

        long nowNs = 10 * PortLimits.LinkCycleNs;
        WaitUntil(() => port.Inject(arena, [], nowNs += PortLimits.LinkCycleNs) == 0 && port.Link == LinkState.Down);
        Assert.That(port.Trouble, Is.EqualTo(StreamChannel.ClosedByPeer));
    }

    [Test]
    public void Not_one_byte_is_allocated_per_frame()
    {
        using StreamInjectPort port = new(endpoint, hasVnetHeaders: true);
        using StreamPeer peer = Connect(port);
        FrameRef[] frames = [.. Enumerable.Range(0, 32).Select(_ => Frame(60)), .. Enumerable.Range(0, 32).Select(i => FrameOfStream(new byte[10], new byte[70]))];
        FrameRef[] back = new FrameRef[64];
        byte[] read = new byte[64 * 100];
        int burst = (32 * (8 + 12 + 60)) + (32 * (8 + 10 + 70));
        long nowNs = 0;
        Run();
        Assert.That(Allocation.LeastBytes(Run), Is.Zero);
        Assert.That((port.Statistics.Frames, port.Statistics.Lost), Is.EqualTo((6 * 20 * 64, 0)));

        void Run()
        {
            for (int i = 0; i < 20; i++)
            {
                port.Inject(arena, frames, nowNs += PortLimits.LinkCycleNs);
                port.Reclaim(back);
                peer.Read(read, burst);
            }
        }
    }

    private StreamPeer Connect(StreamInjectPort port)
    {
        StreamPeer peer = StreamPeer.Connect(endpoint);
        WaitUntil(() => port.Inject(arena, [], 0) == 0 && port.Link == LinkState.Up);
        return peer;
    }

    private static void WaitUntil(Func<bool> condition)
    {
        Stopwatch waited = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.That(waited.Elapsed, Is.LessThan(Patience), "the wait timed out");
            Thread.Yield();
        }
    }

    private static FrameRef[] Back(StreamInjectPort port)
    {
        FrameRef[] back = new FrameRef[2048];
        return back[..port.Reclaim(back)];
    }

    /// <summary>A slot as ports without headers fill it.</summary>
    private FrameRef Frame(int length)
    {
        Assert.That(arena.Primary.TryTake(length, out FrameRef frame), Is.True);
        PcapBuilder.Frame(length, length).CopyTo(arena.SlotBytes(frame));
        return frame;
    }

    /// <summary>A slot as a stream port and the engine fill it.</summary>
    private FrameRef FrameOfStream(byte[] header, byte[] bytes)
    {
        Assert.That(arena.Primary.TryTake(StreamFormat.FrameOffset + bytes.Length, out FrameRef frame), Is.True);
        Span<byte> slot = arena.SlotBytes(frame);
        slot[0] = (byte)header.Length;
        header.CopyTo(slot[(StreamFormat.FrameOffset - header.Length)..]);
        bytes.CopyTo(slot[StreamFormat.FrameOffset..]);
        arena[frame].Offset = StreamFormat.FrameOffset;
        arena[frame].Length = bytes.Length;
        return frame;
    }
}
