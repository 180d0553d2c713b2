// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using ColoWire.Engine;
using ColoWire.Engine.Checkpoint;
using ColoWire.Ports.Xdp;

namespace ColoWire.Hosting;

/// <summary>Writes in each round a time stamp for the kernel's programs, which send frames past ColoWire when the stamp is too
/// old. When it finds that the stamp was too old and that frames went past, it makes the gate begin a new epoch.</summary>
/// <param name="wire">The kernel's programs.</param>
/// <param name="queue">The queue whose frames its thread takes.</param>
/// <param name="gate">Begins a new epoch when frames went past.</param>
internal sealed class HeartbeatDuty(FailWire wire, int queue, CheckpointGate gate) : IDuty
{
    private const long NanosecondsPerMs = 1_000_000;

    private readonly long timeoutNs = wire.TimeoutMs * NanosecondsPerMs;
    private bool wasSilent;

    /// <summary>The other threads that frames of this queue pass. When one of them hangs, the stamp grows old, too.</summary>
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

        // On another CPU the program counts a frame after it has decided where to send it. So the next round looks again for a
        // frame that was decided just before this one.
        bool isSilent = silentNs > timeoutNs;
        if ((isSilent || wasSilent) && wire.NoteSilence(silentNs))
        {
            gate.NoteBypass(silentNs);
        }

        wasSilent = isSilent;
        return 0;
    }
}
