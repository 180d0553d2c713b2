// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Threading;

namespace ColoWire.Engine.Frames;

/// <summary>
/// The MAC addresses of a guest: those that are configured, or those that one shard has seen the primary use. One thread adds;
/// any thread may read.
/// </summary>
internal sealed class GuestAddresses
{
    private readonly ulong[] addresses = new ulong[EngineLimits.GuestAddresses];
    private readonly WorldAddresses? world;
    private readonly bool isConfigured;
    private int count;

    /// <summary>Makes the list.</summary>
    /// <param name="configured">The configured addresses (<see cref="MacAddress"/>), at most
    /// <see cref="EngineLimits.GuestAddresses"/>; when there is any, none is learned.</param>
    /// <param name="world">The addresses that clients use, none of which is learned; null where no client frames pass.</param>
    public GuestAddresses(ReadOnlySpan<ulong> configured, WorldAddresses? world = null)
    {
        this.world = world;
        configured.CopyTo(addresses);
        count = configured.Length;
        isConfigured = count != 0;
    }

    /// <summary>The number of addresses.</summary>
    public int Count => Volatile.Read(ref count);

    /// <summary>Whether an address is one of the guest's.</summary>
    public bool Has(ulong address)
    {
        // Acquire: the addresses are read after the count. Partner: the release in Learn.
        int known = Count;
        for (int i = 0; i < known; i++)
        {
            if (addresses[i] == address)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Adds the addresses to those that are in <paramref name="room"/>, each once.</summary>
    /// <returns>How many are in it then.</returns>
    public int AddTo(Span<ulong> room, int inRoom)
    {
        // Acquire, as in Has.
        int known = Count;
        for (int i = 0; i < known && inRoom < room.Length; i++)
        {
            if (!room[..inRoom].Contains(addresses[i]))
            {
                room[inRoom++] = addresses[i];
            }
        }

        return inRoom;
    }

    /// <summary>Learns the source address of a frame of the primary. Once all places are taken, no more is learned.</summary>
    /// <returns>False when a client uses the address (R15), so that it is not learned.</returns>
    public bool Learn(ulong address)
    {
        if (isConfigured || count == addresses.Length || MacAddress.IsGroup(address) || Has(address))
        {
            return true;
        }

        if (world is not null && world.Has(address))
        {
            return false;
        }

        addresses[count] = address;
        // Release: the address is written before the count. Partner: the acquire in Has.
        Volatile.Write(ref count, count + 1);
        return true;
    }
}
