// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Rig.Qemu;

/// <summary>What came of a run.</summary>
/// <param name="Pairs">Frames that the primary sent.</param>
/// <param name="FramesOut">Frames that QEMU let out.</param>
/// <param name="FramesFlushed">Those of them that only the checkpoint at the end let out.</param>
/// <param name="CheckpointRequests">Checkpoints that QEMU asked for; counted only in a timed run.</param>
/// <param name="Seconds">From the first frame in to the last frame out.</param>
/// <param name="CpuNs">QEMU's CPU time meanwhile.</param>
internal sealed record QemuResult(
    int Pairs, int FramesOut, int FramesFlushed, int CheckpointRequests, double Seconds, long CpuNs);
