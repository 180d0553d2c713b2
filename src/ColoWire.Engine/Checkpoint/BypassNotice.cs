// SPDX-License-Identifier: GPL-2.0-or-later

using System.Threading;

namespace ColoWire.Engine.Checkpoint;

/// <summary>The notice that frames of the primary bypassed the comparison. Any thread may give it; the gate's thread takes
/// it.</summary>
internal sealed class BypassNotice
{
    private const long None = -1;

    private long unreadNs = None;

    /// <summary>Gives notice. Of several that are not taken yet, the one with the longest time counts.</summary>
    /// <param name="forNs">For how long the ports queued frames that no thread read, in nanoseconds; 0 when they queued
    /// none.</param>
    public void Give(long forNs)
    {
        if (forNs > Volatile.Read(ref unreadNs))
        {
            Volatile.Write(ref unreadNs, forNs);
        }
    }

    /// <summary>Takes the notice. Only the gate's thread calls it.</summary>
    /// <returns>False when there is none.</returns>
    public bool TryTake(out long forNs)
    {
        forNs = Volatile.Read(ref unreadNs);
        if (forNs == None)
        {
            return false;
        }

        // Before the notice is acted on: the report that follows serves a notice that is given meanwhile, too.
        Volatile.Write(ref unreadNs, None);
        return true;
    }
}
