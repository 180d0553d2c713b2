// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Threading;
using ColoWire.Engine.Frames;
using ColoWire.Ports.Linux;
using ColoWire.Ports.Xdp;
using NUnit.Framework;

namespace ColoWire.Tests.Ports;

[TestFixture]
internal sealed class HandleExchangeTests
{
    [Test]
    public void A_handle_is_closed_after_its_release_and_before_the_next_one_is_offered()
    {
        Handle first = new();
        Handle second = new();
        using HandleExchange<Handle> exchange = new(first);
        Assert.That(
            (exchange.Current, exchange.Held, exchange.MustChange, exchange.IsClosed), Is.EqualTo((first, first, false, false)));
        Assert.That(exchange.TryClose(), Is.False, "the user has the handle");

        exchange.Withdraw();
        Assert.That((exchange.Current, exchange.Held, exchange.MustChange), Is.EqualTo((first, (Handle?)null, true)));
        Assert.That((exchange.TryClose(), first.IsDisposed), Is.EqualTo((false, false)), "the user still has the handle");
        Assert.That(exchange.Change(), Is.False);
        Assert.That((exchange.Current, exchange.MustChange, exchange.IsClosed), Is.EqualTo(((Handle?)null, false, false)));

        Assert.That((exchange.TryClose(), first.IsDisposed, exchange.IsClosed), Is.EqualTo((true, true, true)));
        exchange.Offer(second);
        Assert.That((exchange.Current, exchange.Held, exchange.MustChange, exchange.IsClosed),
            Is.EqualTo(((Handle?)null, second, true, true)));
        exchange.Withdraw();
        Assert.That(exchange.Held, Is.SameAs(second), "an offered handle is not withdrawn");
        Assert.That(exchange.Change(), Is.True);
        Assert.That((exchange.Current, exchange.MustChange, exchange.IsClosed), Is.EqualTo((second, false, false)));
    }

    [Test]
    public void A_handle_that_another_port_still_uses_counts_as_closed_when_that_port_has_released_it()
    {
        Handle shared = new() { Users = 2 };
        using HandleExchange<Handle> exchange = new(shared);
        exchange.Withdraw();
        _ = exchange.Change();
        Assert.That((exchange.TryClose(), exchange.TryClose(), exchange.IsClosed, shared.Users),
            Is.EqualTo((false, false, false, 1)), "this port has disposed it once");
        shared.Dispose();
        Assert.That((exchange.TryClose(), exchange.IsClosed), Is.EqualTo((true, true)));
    }

    [Test]
    public void The_user_never_gets_a_closed_handle()
    {
        const int turns = 500;
        using HandleExchange<Handle> exchange = new(new Handle());
        bool ended = false;
        int closedInUse = 0;
        int changes = 0;
        Thread user = new(() =>
        {
            while (!Volatile.Read(ref ended))
            {
                closedInUse += exchange.Current?.IsDisposed == true ? 1 : 0;
                if (exchange.MustChange)
                {
                    _ = exchange.Change();
                    changes++;
                }
            }
        });
        user.Start();
        for (int turn = 0; turn < turns; turn++)
        {
            exchange.Withdraw();
            SpinWait.SpinUntil(exchange.TryClose);
            exchange.Offer(new Handle());
            SpinWait.SpinUntil(() => !exchange.IsClosed);
        }

        Volatile.Write(ref ended, true);
        user.Join();
        Assert.That((closedInUse, changes), Is.EqualTo((0, 2 * turns)));
    }

    [Test]
    public void A_set_of_slots_returns_each_slot_that_was_added_and_not_removed()
    {
        using FrameArena arena = new(smallSlotsPerSide: 100, largeSlotsPerSide: 0);
        SlotSet slots = new(arena);
        foreach (uint slot in (uint[])[0, 1, 63, 64, 65, 127, 128, 199])
        {
            slots.Add(new FrameRef(slot));
        }

        slots.Remove(new FrameRef(1));
        slots.Remove(new FrameRef(64));
        Assert.That(slots.Count, Is.EqualTo(6));
        FrameRef[] room = new FrameRef[4];
        Assert.That(slots.Take(room), Is.EqualTo(4));
        Assert.That(Array.ConvertAll(room, slot => slot.Slot), Is.EqualTo(new uint[] { 0, 63, 65, 127 }));
        Assert.That((slots.Take(room), slots.Count, slots.Take(room)), Is.EqualTo((2, 0, 0)));
        Assert.That(Array.ConvertAll(room, slot => slot.Slot), Is.EqualTo(new uint[] { 128, 199, 65, 127 }));
    }

    private sealed class Handle : IInterfaceHandle
    {
        private int users = 1;

        public int Users
        {
            get => Volatile.Read(ref users);
            init => users = value;
        }

        public bool IsDisposed => Users == 0;

        public bool IsClosed => Users == 0;

        public int InterfaceIndex => 1;

        public int Descriptor => -1;

        public bool IsCutOff() => false;

        public void Dispose() => Volatile.Write(ref users, users - 1);
    }
}
