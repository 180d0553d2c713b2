// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Runtime.CompilerServices;
using ColoWire.Engine.Exits;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Rings;
using ColoWire.Engine.Translate;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Shards;

/// <summary>
/// Takes the frames of clients: both replicas receive each one, the secondary in its own numbers (R11, R12). A frame that both
/// receive unchanged stays in its slot; otherwise the secondary receives a copy. Frames that arrive while both replicas are
/// stopped for a checkpoint wait in their ring for its end, because the numbers change then (R17); the clients' slots bound them.
/// </summary>
internal sealed class ClientIntake(
    FrameArena arena, FlowTable flows, ShardView view, FlowWalk walk, FlowLifecycle lifecycle,
    ClientTracker tracker, InboundRings rings, UnfinishedFlow unfinished)
{
    private readonly FrameRef[] spares = new FrameRef[EngineLimits.BatchFrames];
    private readonly FrameRef[] missed = new FrameRef[EngineLimits.BatchFrames];
    private int spareCount;

    /// <summary>What became of the frames; any thread may read it.</summary>
    public InboundCounters Counters { get; } = new();

    /// <summary>Takes a frame.</summary>
    /// <param name="client">The frame.</param>
    /// <param name="nowNs">The engine's clock, in nanoseconds.</param>
    /// <returns>False when its epoch has not begun, or the poll must end.</returns>
    public bool Take(FrameView client, long nowNs)
    {
        FrameKind kind = client.Descriptor.Layout.Kind;
        // Before the epoch is read: after the end of a checkpoint, the numbers are those of its epoch.
        if (view.AreReplicasStopped || unfinished.EndsPoll)
        {
            return false;
        }

        walk.RefreshFor(kind, nowNs);
        if (view.IsAhead(in client.Descriptor) || unfinished.EndsPoll)
        {
            return false;
        }

        ref Flow flow = ref FlowOf(client);
        if (Unsafe.IsNullRef(in flow))
        {
            PassToBoth(client.Reference);
            return true;
        }

        lifecycle.Follow(ref flow);
        if (unfinished.IsAny)
        {
            return false;
        }

        if (flow.Action != PolicyAction.Compare)
        {
            // Nothing is known of the secondary's numbers, and what the secondary answers is dropped.
            PassToBoth(client.Reference);
            return true;
        }

        Translation translation = tracker.TranslationOf(ref flow);
        if (kind == FrameKind.Tcp)
        {
            tracker.NoteClient(ref flow, new TcpSegment(client));
        }

        if (translation.IsIdentity)
        {
            PassToBoth(client.Reference);
        }
        else
        {
            PassTranslated(ref flow, client, in translation);
        }

        return true;
    }

    /// <summary>Takes back the frames that the port of a replica did not take: the guests' RCV.NXT is lower than they say
    /// (R13).</summary>
    /// <returns>The number of frames.</returns>
    public int TakeMissed() => TakeMissed(rings.MissedByPrimary) + TakeMissed(rings.MissedBySecondary);

    /// <summary>Publishes the rings to the replicas' inject duties, and the returned slots.</summary>
    public void Publish()
    {
        rings.Home.Publish();
        rings.ToPrimary.Publish();
        rings.ToSecondary.Publish();
    }

    private int TakeMissed(SpscRing<FrameRef> ring)
    {
        int count = ring.Read(missed);
        for (int i = 0; i < count; i++)
        {
            FrameView client = arena.View(missed[i]);
            bool concernsFlow = client.Descriptor.Layout.Kind == FrameKind.Tcp && !view.IsStale(in client.Descriptor);
            ref Flow flow = ref concernsFlow ? ref flows.FindForClient(client) : ref Unsafe.NullRef<Flow>();
            if (!Unsafe.IsNullRef(in flow))
            {
                tracker.NoteMissed(ref flow, new TcpSegment(client));
            }

            rings.Home.Add(missed[i]);
        }

        return count;
    }

    /// <summary>The flow whose numbers a frame contains: that of its segment, or that of the segment which an ICMP error
    /// quotes.</summary>
    private ref Flow FlowOf(FrameView client)
    {
        FrameKind kind = client.Descriptor.Layout.Kind;
        if (kind == FrameKind.Tcp)
        {
            return ref flows.FindForClient(client);
        }

        uint index = Flow.None;
        bool isQuote = kind is FrameKind.Icmp or FrameKind.IcmpV6
            && FrameTranslator.TryReadQuote(client.Bytes, in client.Descriptor.Layout, out FlowKey key)
            && flows.TryFind(in key, client.Descriptor.FlowHash, out index);
        return ref isQuote ? ref flows[index] : ref Unsafe.NullRef<Flow>();
    }

    private void PassToBoth(FrameRef client)
    {
        arena[client].Awaited = 2;
        rings.ToPrimary.Add(client);
        rings.ToSecondary.Add(client);
        Counters.Count(InboundCount.Unchanged);
    }

    private void PassTranslated(ref Flow flow, FrameView client, in Translation translation)
    {
        client.Descriptor.Awaited = 1;
        rings.ToPrimary.Add(client.Reference);
        if (client.Descriptor.Length > EngineLimits.SmallSlotBytes || !TryTakeSpare(out FrameRef copy))
        {
            Counters.Count(InboundCount.NoSlot);
            return;
        }

        Copy(client, copy);
        Span<byte> bytes = arena.SlotBytes(copy)[..client.Descriptor.Length];
        uint? greatest = tracker.GreatestTimestamp(ref flow, client);
        Counters.Count(FrameTranslator.ToReplica(bytes, in client.Descriptor.Layout, in translation, greatest) switch
        {
            TranslationOutcome.BadOption => InboundCount.BadOptions,
            TranslationOutcome.Signed => InboundCount.Signed,
            TranslationOutcome.Translated => InboundCount.Translated,
            _ => InboundCount.Unchanged,
        });
        rings.ToSecondary.Add(copy);
    }

    private void Copy(FrameView from, FrameRef to)
    {
        ref Frame copy = ref arena[to];
        copy.Offset = 0;
        copy.Length = from.Descriptor.Length;
        copy.ArrivalNs = from.Descriptor.ArrivalNs;
        // The hash of the flow leads the slot's return to the shard that it was lent to. The other fields identify the flow when
        // the port does not take the copy.
        copy.FlowHash = from.Descriptor.FlowHash;
        copy.PortsAndProtocol = from.Descriptor.PortsAndProtocol;
        copy.VlanIds = from.Descriptor.VlanIds;
        copy.Epoch = from.Descriptor.Epoch;
        copy.Layout = from.Descriptor.Layout;
        copy.Side = Side.World;
        copy.Awaited = 1;
        from.Bytes.CopyTo(arena.SlotBytes(to));
    }

    private bool TryTakeSpare(out FrameRef spare)
    {
        if (spareCount == 0)
        {
            spareCount = rings.Spare.Read(spares);
        }

        spare = spareCount == 0 ? FrameRef.None : spares[--spareCount];
        return !spare.IsNone;
    }
}
