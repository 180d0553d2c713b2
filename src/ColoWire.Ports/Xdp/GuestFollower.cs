// SPDX-License-Identifier: GPL-2.0-or-later

using System;

namespace ColoWire.Ports.Xdp;

/// <summary>Reads the guest's MAC addresses as the engine knows them now.</summary>
/// <param name="room">Receives them, from index 0.</param>
/// <returns>How many there are.</returns>
public delegate int GuestAddressReader(Span<ulong> room);

/// <summary>
/// Gives the program of the interface towards the clients the guest's MAC addresses, so that it filters the frames that bypass
/// ColoWire as the engine filters the others (R15). The engine may learn addresses at any time. For the upkeep thread; a look
/// that finds no new address allocates nothing.
/// </summary>
/// <param name="program">The program.</param>
/// <param name="reader">Reads the addresses. None is ever taken away again.</param>
internal sealed class GuestFollower(PortProgram program, GuestAddressReader reader)
{
    private readonly ulong[] room = new ulong[ProgramObjects.MaxGuestAddresses];
    private readonly ulong[] known = new ulong[ProgramObjects.MaxGuestAddresses];
    private int knownCount;

    /// <summary>Looks for new addresses.</summary>
    /// <exception cref="PortException">The kernel refuses one.</exception>
    public void Check()
    {
        int count = reader(room);
        for (int i = 0; i < count; i++)
        {
            if (known.AsSpan(0, knownCount).IndexOf(room[i]) < 0 && knownCount != known.Length)
            {
                program.AddGuest(room[i]);
                known[knownCount++] = room[i];
            }
        }
    }
}
