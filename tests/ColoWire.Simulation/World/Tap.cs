// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using ColoWire.Simulation.Guests;

namespace ColoWire.Simulation.World;

/// <summary>
/// The queue of a guest's network device, in which clients' frames lie until the guest reads them. A checkpoint copies the guest
/// and not this queue: frames that lie in it then are read afterwards, with the numbers that they had (R17).
/// </summary>
internal sealed class Tap(Scheduler scheduler, Guest guest, Random random, long longestNs, Action<SentFrame> read)
{
    private const long UsualNs = Scheduler.Ms / 5;

    private readonly Queue<SentFrame> frames = new();

    public void Arrive(SentFrame frame)
    {
        frames.Enqueue(frame);
        // Now and then the guest has no time to read.
        long delayNs = random.NextInt64(random.Next(20) == 0 ? longestNs : UsualNs);
        scheduler.After(delayNs, () => guest.Hear(() => read(frames.Dequeue())));
    }
}
