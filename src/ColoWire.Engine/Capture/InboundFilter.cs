// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Capture;

/// <summary>
/// Decides which frames of clients concern the guest (R15): those to its MAC addresses, to the broadcast address and to multicast
/// addresses, but never those to a link-local multicast address (IEEE 802.1Q table 8-1: a bridge forwards none of them) and never
/// those that come from the guest's own address, which a loop has brought back.
/// </summary>
public sealed class InboundFilter
{
    private readonly GuestAddresses[] guests;
    private readonly WorldAddresses world;
    private readonly long[] drops = new long[Enum.GetValues<InboundDrop>().Length];

    /// <summary>Makes a filter.</summary>
    /// <param name="guests">The addresses of the guest, as each shard has learned them.</param>
    /// <param name="world">Receives the addresses from which clients' frames come.</param>
    internal InboundFilter(GuestAddresses[] guests, WorldAddresses world)
    {
        this.guests = guests;
        this.world = world;
    }

    /// <summary>Frames that no replica received, by reason; any thread may read it.</summary>
    public ReadOnlySpan<long> Drops => drops;

    /// <summary>Why a frame concerns no guest; null when it concerns one.</summary>
    internal InboundDrop? ReasonToDrop(ReadOnlySpan<byte> frame)
    {
        if (frame.Length < Ethernet.HeaderBytes)
        {
            return InboundDrop.Malformed;
        }

        ulong destination = MacAddress.Read(frame);
        if (MacAddress.IsLinkLocalMulticast(destination))
        {
            return InboundDrop.LinkLocal;
        }

        ulong source = MacAddress.Read(frame[MacAddress.Bytes..]);
        if (IsGuest(source))
        {
            return InboundDrop.Loop;
        }

        world.Note(source);

        // Until the guest has sent something, its address is not known: an idle server sends nothing after a restart of ColoWire.
        return MacAddress.IsGroup(destination) || IsGuest(destination) || !IsAnyKnown ? null : InboundDrop.OtherUnicast;
    }

    /// <summary>Counts a frame that no replica receives.</summary>
    internal void Count(InboundDrop reason) => drops[(int)reason]++;

    private bool IsAnyKnown
    {
        get
        {
            foreach (GuestAddresses guest in guests)
            {
                if (guest.Count != 0)
                {
                    return true;
                }
            }

            return false;
        }
    }

    private bool IsGuest(ulong address)
    {
        foreach (GuestAddresses guest in guests)
        {
            if (guest.Has(address))
            {
                return true;
            }
        }

        return false;
    }
}

/// <summary>Why a client's frame reaches no replica.</summary>
public enum InboundDrop : byte
{
    /// <summary>Its destination is a link-local multicast address (01:80:C2:00:00:00 to 0F).</summary>
    LinkLocal,

    /// <summary>Its source is the guest's own address: a loop.</summary>
    Loop,

    /// <summary>Its destination is the address of another station.</summary>
    OtherUnicast,

    /// <summary>It is shorter than its headers.</summary>
    Malformed,

    /// <summary>It is longer than the port of a replica sends (<see cref="IInjectPort.MaxPayloadBytes"/>).</summary>
    TooLong,
}
