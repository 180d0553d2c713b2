// SPDX-License-Identifier: GPL-2.0-or-later

using System.Threading;

namespace ColoWire.Engine.Frames;

/// <summary>
/// MAC addresses from which frames of clients came, so that none of them is learned as a guest's (R15). Each address has one
/// place, which its hash selects; a later address with the same hash replaces it, so that no traffic can exceed the memory. All
/// threads may use it.
/// </summary>
internal sealed class WorldAddresses
{
    private readonly ulong[] places = new ulong[EngineLimits.WorldAddresses];

    /// <summary>Records the source address of a client's frame. Threads may write the same place: any of the addresses
    /// remains.</summary>
    public void Note(ulong address)
    {
        ref ulong place = ref places[PlaceOf(address)];
        if (Volatile.Read(ref place) != address)
        {
            Volatile.Write(ref place, address);
        }
    }

    /// <summary>Whether a client's frame came from an address.</summary>
    public bool Has(ulong address) => Volatile.Read(ref places[PlaceOf(address)]) == address;

    /// <summary>Multiplicative hashing by 2^64 divided by the golden ratio (Knuth, The Art of Computer Programming, volume 3,
    /// section 6.4): its upper bits select the place.</summary>
    private static int PlaceOf(ulong address) =>
        (int)((address * 0x9E37_79B9_7F4A_7C15) >> 32) & (EngineLimits.WorldAddresses - 1);
}
