// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine.Exits;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Translate;

namespace ColoWire.Engine.Shards;

/// <summary>
/// Sends each frame of a client towards the replicas, and counts it. A frame that both receive unchanged stays in its slot;
/// otherwise the secondary receives a copy in a slot that the clients' capture duty has lent.
/// </summary>
internal sealed class ClientExits(FrameArena arena, InboundRings rings, InboundCounters counters)
{
    private readonly FrameRef[] spares = new FrameRef[EngineLimits.BatchFrames];
    private readonly FrameRef[] largeSpare = new FrameRef[1];
    private int spareCount;

    /// <summary>Publishes the rings to the replicas' inject duties, and the returned slots.</summary>
    public void Publish()
    {
        rings.ToPrimary.Publish();
        rings.ToSecondary.Publish();
        rings.Home.Publish();
    }

    /// <summary>Sends a frame to both replicas, unchanged.</summary>
    public void PassToBoth(FrameRef client)
    {
        arena[client].Awaited = 2;
        rings.ToPrimary.Add(client);
        rings.ToSecondary.Add(client);
        counters.Count(InboundCount.Unchanged);
    }

    /// <summary>Sends a frame to the primary alone, because the secondary's numbers are not known.</summary>
    public void PassToPrimary(FrameRef client)
    {
        arena[client].Awaited = 1;
        rings.ToPrimary.Add(client);
        counters.Count(InboundCount.MirrorLoss);
    }

    /// <summary>Sends a frame to the primary and a translated copy to the secondary.</summary>
    /// <param name="client">The frame.</param>
    /// <param name="translation">The translation, which changes numbers.</param>
    /// <param name="greatestTimestamp">See <see cref="FrameTranslator.ToReplica"/>.</param>
    public TranslationOutcome PassTranslated(FrameView client, in Translation translation, uint? greatestTimestamp)
    {
        client.Descriptor.Awaited = 1;
        rings.ToPrimary.Add(client.Reference);
        return SendCopy(client, in translation, greatestTimestamp);
    }

    /// <summary>Sends a frame to the primary; its slot is then free only after <see cref="PassKept"/> or
    /// <see cref="DropForSecondary"/>.</summary>
    public void PassToPrimaryFirst(FrameRef client)
    {
        arena[client].Awaited = 2;
        rings.ToPrimary.Add(client);
    }

    /// <summary>Sends a frame to the secondary that the primary has received before.</summary>
    public void PassKept(FrameView client, in Translation translation, uint? greatestTimestamp)
    {
        counters.Count(InboundCount.Kept);
        if (translation.IsIdentity)
        {
            rings.ToSecondary.Add(client.Reference);
            counters.Count(InboundCount.Unchanged);
            return;
        }

        SendCopy(client, in translation, greatestTimestamp);
        rings.Home.Add(client.Reference);
    }

    /// <summary>Returns the slot of a frame that the primary has received before, and that the secondary does not
    /// receive.</summary>
    public void DropForSecondary(FrameRef client)
    {
        rings.Home.Add(client);
        counters.Count(InboundCount.MirrorLoss);
    }

    /// <summary>Returns the slot of a frame that a port did not take.</summary>
    public void ReturnMissed(FrameRef client) => rings.Home.Add(client);

    private TranslationOutcome SendCopy(FrameView client, in Translation translation, uint? greatestTimestamp)
    {
        if (!TryTakeSpare(client.Descriptor.Length, out FrameRef copy))
        {
            counters.Count(InboundCount.NoSlot);
            return TranslationOutcome.Unchanged;
        }

        Copy(client, copy);
        Span<byte> bytes = arena.SlotBytes(copy)[..client.Descriptor.Length];
        TranslationOutcome outcome = FrameTranslator.ToReplica(
            bytes, in client.Descriptor.Layout, in translation, greatestTimestamp);
        rings.ToSecondary.Add(copy);
        Count(outcome);
        return outcome;
    }

    private void Count(TranslationOutcome outcome)
    {
        bool isTranslated = outcome is TranslationOutcome.Translated or TranslationOutcome.BadOption;
        counters.Count(isTranslated ? InboundCount.Translated : InboundCount.Unchanged);
        InboundCount? property = outcome switch
        {
            TranslationOutcome.BadOption => InboundCount.BadOptions,
            TranslationOutcome.Signed => InboundCount.Signed,
            TranslationOutcome.HeaderCut => InboundCount.HeaderCut,
            _ => null,
        };
        if (property is { } counted)
        {
            counters.Count(counted);
        }
    }

    private void Copy(FrameView from, FrameRef to)
    {
        ref Frame copy = ref arena[to];
        copy.Offset = 0;
        copy.Length = from.Descriptor.Length;
        copy.ArrivalNs = from.Descriptor.ArrivalNs;
        copy.Number = from.Descriptor.Number;
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

    private bool TryTakeSpare(int bytes, out FrameRef spare)
    {
        if (bytes > EngineLimits.SmallSlotBytes)
        {
            bool isAny = rings.LargeSpare.Read(largeSpare) != 0;
            spare = isAny ? largeSpare[0] : FrameRef.None;
            return isAny;
        }

        if (spareCount == 0)
        {
            spareCount = rings.Spare.Read(spares);
        }

        spare = spareCount == 0 ? FrameRef.None : spares[--spareCount];
        return !spare.IsNone;
    }
}
