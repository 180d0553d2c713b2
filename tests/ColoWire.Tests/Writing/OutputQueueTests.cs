// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using System.Threading;
using ColoWire.Services;
using ColoWire.Tests.Shared;
using ColoWire.Writing;
using Microsoft.Extensions.Hosting.Systemd;
using NUnit.Framework;

namespace ColoWire.Tests.Writing;

internal sealed class OutputQueueTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Test]
    public void A_sink_that_blocks_keeps_nobody_waiting_and_what_finds_no_room_is_counted()
    {
        using GatedSink sink = new();
        OutputQueue queue = new("test", sink, TimeProvider.System, capacityBytes: 10);
        for (int i = 0; i < 7; i++)
        {
            queue.Add("abc"u8);
        }

        Assert.That(queue.Lost, Is.EqualTo(4), "three of three bytes fit into ten");
        Assert.That(queue.Works, Is.False);
        Assert.That(queue.Flush(TimeSpan.FromMilliseconds(1)), Is.False);
        sink.Gate.Set();
        Assert.That(queue.Flush(Patience), Is.True);
        Assert.That(sink.Records, Has.Count.EqualTo(3));
        Assert.That(queue.Works, Is.True);
        queue.Add("again"u8);
        Assert.That(queue.Flush(Patience), Is.True);
        Assert.That(sink.Records[^1], Is.EqualTo("again"));
        Assert.That(queue.Lost, Is.EqualTo(4));
    }

    [Test]
    public void More_records_than_the_limit_are_lost_however_short_they_are()
    {
        using GatedSink sink = new();
        OutputQueue queue = new("test", sink, TimeProvider.System);
        for (int i = 0; i < OutputQueue.MaxRecords + 5; i++)
        {
            queue.Add("x"u8);
        }

        Assert.That(queue.Lost, Is.EqualTo(5));
    }

    [Test]
    public void Records_of_all_lengths_arrive_whole_and_in_order_however_they_lie_in_the_ring()
    {
        using GatedSink sink = new();
        OutputQueue queue = new("test", sink, TimeProvider.System, capacityBytes: 64);
        List<string> taken = [];
        Random random = new(1);
        sink.Gate.Set();
        for (int i = 0; i < 5_000; i++)
        {
            string record = new((char)('a' + (i % 26)), random.Next(1, 30));
            long before = queue.Lost;
            queue.Add(Encoding.ASCII.GetBytes(record));
            if (queue.Lost == before)
            {
                taken.Add(record);
            }

            if (random.Next(4) == 0)
            {
                Assert.That(queue.Flush(Patience), Is.True);
            }
        }

        Assert.That(queue.Flush(Patience), Is.True);
        Assert.That(sink.Records, Is.EqualTo(taken));
        Assert.That(taken, Has.Count.GreaterThan(1_000));
    }

    [Test]
    public void A_record_longer_than_the_ring_is_lost()
    {
        using GatedSink sink = new();
        sink.Gate.Set();
        OutputQueue queue = new("test", sink, TimeProvider.System, capacityBytes: 8);
        queue.Add("123456789"u8);
        queue.Add("12345678"u8);
        Assert.That(queue.Flush(Patience), Is.True);
        Assert.That(sink.Records, Is.EqualTo(new[] { "12345678" }));
        Assert.That(queue.Lost, Is.EqualTo(1));
    }

    [Test]
    public void What_the_sink_refuses_is_lost_and_the_next_is_tried()
    {
        using GatedSink sink = new() { Refuses = true };
        sink.Gate.Set();
        OutputQueue queue = new("test", sink, TimeProvider.System);
        queue.Add("one"u8);
        Assert.That(queue.Flush(Patience), Is.True);
        Assert.That((queue.Lost, queue.Works), Is.EqualTo((1, false)));
        sink.Refuses = false;
        queue.Add("two"u8);
        Assert.That(queue.Flush(Patience), Is.True);
        Assert.That((queue.Lost, queue.Works), Is.EqualTo((1, true)));
    }

    [Test]
    public void Adding_allocates_nothing()
    {
        OutputQueue queue = new("test", new CountingSink(), TimeProvider.System);
        byte[] record = new byte[3_000];
        queue.Add(record);
        Assert.That(queue.Flush(Patience), Is.True);
        Assert.That(Allocation.LeastBytes(() =>
        {
            queue.Add(record);
            _ = queue.Flush(Patience);
        }), Is.Zero);
    }

    [Test]
    public void A_systemd_that_does_not_read_keeps_neither_start_nor_stop_waiting()
    {
        using BlockingNotifier systemd = new();
        QueuedNotifier notifier = new(systemd, TimeProvider.System);
        for (int i = 0; i < 1_000; i++)
        {
            notifier.Notify(ServiceState.Stopping);
        }

        systemd.Gate.Set();
        Assert.That(SpinWait.SpinUntil(() => systemd.Told.Count > 2, Patience), Is.True);
        Assert.That(systemd.Told.Distinct(), Is.EqualTo(new[] { "STOPPING=1" }));
    }

    private sealed class GatedSink : IRecordSink, IDisposable
    {
        public ManualResetEventSlim Gate { get; } = new();

        public List<string> Records { get; } = [];

        public bool Refuses { get; set; }

        public bool TryWrite(ReadOnlySpan<byte> record)
        {
            Gate.Wait();
            if (!Refuses)
            {
                Records.Add(Encoding.ASCII.GetString(record));
            }

            return !Refuses;
        }

        public void Dispose() => Gate.Set();
    }

    private sealed class CountingSink : IRecordSink
    {
        public bool TryWrite(ReadOnlySpan<byte> record) => true;
    }

    private sealed class BlockingNotifier : ISystemdNotifier, IDisposable
    {
        public ManualResetEventSlim Gate { get; } = new();

        public List<string> Told { get; } = [];

        public bool IsEnabled => true;

        public void Notify(ServiceState state)
        {
            Gate.Wait();
            Told.Add(state.ToString());
        }

        public void Dispose() => Gate.Set();
    }
}
