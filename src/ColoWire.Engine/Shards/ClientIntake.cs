// SPDX-License-Identifier: GPL-2.0-or-later

using System.Runtime.CompilerServices;
using ColoWire.Engine.Compare;
using ColoWire.Engine.Exits;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Rings;
using ColoWire.Engine.Translate;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Shards;

/// <summary>
/// Takes the frames of clients: both replicas receive each one, the secondary in its own numbers (R11, R12). Frames that arrive
/// while both replicas are stopped for a checkpoint wait in their ring for its end, because the numbers change then (R17); the
/// clients' slots bound them. While the secondary's numbers on a connection are not known yet, its copy waits
/// (<see cref="KeptClients"/>); where they will not be known, only the primary receives the frame.
/// </summary>
internal sealed class ClientIntake(
    FrameArena arena, FlowTable flows, ShardView view, FlowWalk walk, FlowLifecycle lifecycle, ClientTracker tracker,
    ClientExits exits, KeptClients kept, InboundRings rings, UnfinishedFlow unfinished)
{
    private readonly FrameRef[] missed = new FrameRef[EngineLimits.BatchFrames];

    /// <summary>Takes a frame.</summary>
    /// <param name="client">The frame.</param>
    /// <param name="nowNs">The engine's clock, in nanoseconds.</param>
    /// <returns>False when both replicas are stopped, or the poll must end.</returns>
    public bool Take(FrameView client, long nowNs)
    {
        FrameKind kind = client.Descriptor.Layout.Kind;
        // Before the epoch is read: after the end of a checkpoint, the numbers are those of its epoch.
        if (view.AreReplicasStopped || unfinished.EndsPoll)
        {
            return false;
        }

        walk.RefreshFor(kind, nowNs);
        if (unfinished.EndsPoll)
        {
            return false;
        }

        ref Flow flow = ref FlowOf(client);
        if (Unsafe.IsNullRef(in flow))
        {
            TakeWithoutFlow(client);
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
            exits.PassToBoth(client.Reference);
            return true;
        }

        if (kind == FrameKind.Tcp)
        {
            tracker.NoteClient(ref flow, new TcpSegment(client));
        }

        Pass(ref flow, client, nowNs);
        return true;
    }

    /// <summary>Sends the frames that have waited for the secondary's numbers, where these are known now.</summary>
    public void SendKept(long nowNs)
    {
        if (kept.Count == 0 || view.AreReplicasStopped)
        {
            return;
        }

        int count = kept.BeginPass();
        for (int i = 0; i < count; i++)
        {
            FrameView client = arena.View(kept[i]);
            ref Flow flow = ref flows.FindForClient(client);
            if (Unsafe.IsNullRef(in flow) || view.IsStopped)
            {
                exits.DropForSecondary(client.Reference);
                continue;
            }

            lifecycle.Follow(ref flow);
            if (unfinished.IsAny)
            {
                // The flow may have yet to follow a checkpoint, which has changed the numbers.
                kept.TryAdd(client.Reference);
                continue;
            }

            SendKept(ref flow, client, nowNs);
        }
    }

    /// <summary>Takes back the frames that the port of a replica did not take, which lower RCV.NXT (R13).</summary>
    /// <returns>The number of frames.</returns>
    public int TakeMissed() => TakeMissed(rings.MissedByPrimary) + TakeMissed(rings.MissedBySecondary);

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

            exits.ReturnMissed(missed[i]);
        }

        return count;
    }

    /// <summary>The flow whose numbers a frame contains: that of its segment, or that of the segment which an ICMP error quotes
    /// or which a first fragment begins.</summary>
    private ref Flow FlowOf(FrameView client)
    {
        FrameKind kind = client.Descriptor.Layout.Kind;
        if (kind == FrameKind.Tcp)
        {
            return ref flows.FindForClient(client);
        }

        uint index = Flow.None;
        bool isPart = kind is FrameKind.Icmp or FrameKind.IcmpV6 or FrameKind.Fragment
            && FrameTranslator.TryReadFlow(client.Bytes, in client.Descriptor.Layout, out FlowKey key)
            && flows.TryFind(in key, client.Descriptor.FlowHash, out index);
        return ref isPart ? ref flows[index] : ref Unsafe.NullRef<Flow>();
    }

    private void TakeWithoutFlow(FrameView client)
    {
        bool isUnknown = client.Descriptor.Layout.Kind == FrameKind.Tcp && !view.KnowsNumbers
            && new TcpSegment(client).Has(Tcp.Ack);
        if (isUnknown)
        {
            exits.PassToPrimary(client.Reference);
        }
        else
        {
            exits.PassToBoth(client.Reference);
        }
    }

    private void Pass(ref Flow flow, FrameView client, long nowNs)
    {
        FrameKind kind = client.Descriptor.Layout.Kind;
        SecondaryNumbers numbers = tracker.NumbersOf(ref flow, out Translation translation);
        bool isBehindKept = kept.Count != 0 && flows.Client(ref flow).Has(ClientFlags.HasKept);
        bool needsNumbers = kind == FrameKind.Fragment || (kind == FrameKind.Tcp && new TcpSegment(client).Has(Tcp.Ack));
        if (isBehindKept && kind == FrameKind.Tcp)
        {
            Keep(ref flow, client);
        }
        else if (numbers == SecondaryNumbers.Known)
        {
            PassInNumbers(ref flow, client, in translation, nowNs);
        }
        else if (!needsNumbers)
        {
            exits.PassToBoth(client.Reference);
        }
        else if (numbers == SecondaryNumbers.Pending && kind == FrameKind.Tcp)
        {
            Keep(ref flow, client);
        }
        else
        {
            exits.PassToPrimary(client.Reference);
        }
    }

    private void PassInNumbers(ref Flow flow, FrameView client, in Translation translation, long nowNs)
    {
        if (translation.IsIdentity)
        {
            exits.PassToBoth(client.Reference);
            return;
        }

        TranslationOutcome outcome = exits.PassTranslated(client, in translation, tracker.GreatestTimestamp(ref flow, client));
        if (outcome == TranslationOutcome.HeaderCut && flow.State == FlowState.Comparing)
        {
            // Once both replicas use the same numbers, no fragment needs a translation.
            lifecycle.Diverge(ref flow, Verdict.Diverged(DivergenceReason.Translation), nowNs);
        }
    }

    private void Keep(ref Flow flow, FrameView client)
    {
        exits.PassToPrimaryFirst(client.Reference);
        if (kept.TryAdd(client.Reference))
        {
            flows.Client(ref flow).Flags |= ClientFlags.HasKept;
            return;
        }

        exits.DropForSecondary(client.Reference);
        lifecycle.LoseTranslation(ref flow);
    }

    private void SendKept(ref Flow flow, FrameView client, long nowNs)
    {
        ref ClientState state = ref flows.Client(ref flow);
        switch (tracker.NumbersOf(ref flow, out Translation translation))
        {
            case SecondaryNumbers.Pending when !kept.IsExpired(in client.Descriptor, nowNs):
                kept.TryAdd(client.Reference);
                state.Flags |= ClientFlags.HasKept;
                break;
            case SecondaryNumbers.Known when flow.Action == PolicyAction.Compare:
                state.Flags &= ~ClientFlags.HasKept;
                exits.PassKept(client, in translation, tracker.GreatestTimestamp(ref flow, client));
                break;
            default:
                state.Flags &= ~ClientFlags.HasKept;
                exits.DropForSecondary(client.Reference);
                lifecycle.LoseTranslation(ref flow);
                break;
        }
    }
}
