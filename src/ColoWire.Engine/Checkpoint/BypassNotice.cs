// SPDX-License-Identifier: GPL-2.0-or-later

using System.Threading;

namespace ColoWire.Engine.Checkpoint;

/// <summary>Says that frames of the primary went past the comparison. Any thread may say it; the gate's thread takes
/// it.</summary>
internal sealed class BypassNotice
{
    private const long None = -1;

    private long unreadNs = None;

    /// <summary>Says it.</summary>
    /// <param name="forNs">For how long the ports took in frames that no thread read, in nanoseconds; 0 when they took in
    /// none.</param>
    public void Give(long forNs) => Volatile.Write(ref unreadNs, forNs);

    /// <summary>Gate: takes what was said.</summary>
    /// <returns>False when nothing was.</returns>
    public bool TryTake(out long forNs)
    {
        forNs = Volatile.Read(ref unreadNs);
        if (forNs == None)
        {
            return false;
        }

        Volatile.Write(ref unreadNs, None);
        return true;
    }
}
