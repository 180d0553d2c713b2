// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using ColoWire.Engine;
using ColoWire.Engine.Checkpoint;
using ColoWire.Ports.Xdp;

namespace ColoWire.Hosting;

/// <summary>
/// Tells the kernel with each round that the threads behind a queue live, so that frames come here and not past. When it finds that it
/// was silent for too long, and frames did go past, it has a new epoch begun.
/// </summary>
/// <param name="wire">The programs that it beats for.</param>
/// <param name="queue">The queue that its thread serves.</param>
/// <param name="gate">Told when frames went past.</param>
internal sealed class HeartbeatDuty(FailWire wire, int queue, CheckpointGate gate) : IDuty
{
    private const long NanosecondsPerMs = 1_000_000;

    private readonly long timeoutNs = wire.TimeoutMs * NanosecondsPerMs;
    private bool wasSilent;

    /// <summary>The other threads that a frame of this queue passes: one that hangs is a heart that stops.</summary>
    public IReadOnlyList<DutyLoop> Others { get; set; } = [];

    /// <inheritdoc/>
    public int Poll(long nowNs)
    {
        long aliveNs = nowNs;
        for (int i = 0; i < Others.Count; i++)
        {
            aliveNs = Math.Min(aliveNs, Others[i].LastRoundNs);
        }

        long silentNs = wire.Beat(queue, aliveNs);
        if (silentNs == 0 || !wire.IsArmed)
        {
            return 0;
        }

        // The program on another CPU counts a frame after it has judged it: the next beat looks again for one that it judged just before this one.
        bool isSilent = silentNs > timeoutNs;
        if ((isSilent || wasSilent) && wire.NoteSilence(silentNs))
        {
            gate.NoteBypass(silentNs);
        }

        wasSilent = isSilent;
        return 0;
    }
}
