// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Exits;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Rings;

namespace ColoWire.Engine.Egress;

/// <summary>
/// Injects the frames of clients towards one replica, those of each shard in their order (R11), and returns their slots to the
/// clients' capture duty. A frame that the port does not take for <see cref="EngineLimits.GuestPatienceNs"/> is given up and
/// counted: the other replica must not wait for it, and TCP recovers by R2. Frames that a replica has missed go back to their
/// shard, which returns their slots (R13).
/// </summary>
public sealed class GuestEgressDuty : IDuty
{
    private readonly FrameArena arena;
    private readonly IInjectPort port;
    private readonly SpscRing<FrameRef>[] shards;
    private readonly SpscRing<FrameRef>[] missed;
    private readonly GuestState guest;
    private readonly FrameRef[] pending = new FrameRef[EngineLimits.BatchFrames];
    private readonly FrameRef[] reclaimed = new FrameRef[EngineLimits.BatchFrames];
    private int pendingCount;
    private int nextShard;
    private long blockedSinceNs = NotBlocked;

    private const long NotBlocked = long.MaxValue;

    /// <summary>Makes the duty.</summary>
    /// <param name="arena">The arena of the frames.</param>
    /// <param name="port">The port of the replica.</param>
    /// <param name="shards">The ring of each shard towards the replica.</param>
    /// <param name="missed">The ring to each shard for the frames that the port did not take.</param>
    /// <param name="guest">The state of the guest.</param>
    /// <param name="failed">The failed duty that this one replaces, whose counter it keeps; null at the start.</param>
    internal GuestEgressDuty(
        FrameArena arena, IInjectPort port, SpscRing<FrameRef>[] shards, SpscRing<FrameRef>[] missed, GuestState guest,
        GuestEgressDuty? failed)
    {
        this.missed = missed;
        this.guest = guest;
        this.arena = arena;
        this.port = port;
        this.shards = shards;
        Missed = failed?.Missed ?? 0;
        Home = failed?.Home ?? new SpscRing<FrameRef>(arena.SlotsPerSide);
    }

    /// <summary>Frames that the replica has not received, because its port did not take them in time or lost them; any thread
    /// may read it.</summary>
    public long Missed { get; private set; }

    /// <summary>Duty → clients' capture: slots of frames that this port no longer needs.</summary>
    internal SpscRing<FrameRef> Home { get; }

    /// <inheritdoc/>
    public int Poll(long nowNs)
    {
        int work = 0;
        for (int turn = 0; turn < shards.Length; turn++)
        {
            if (pendingCount == 0)
            {
                pendingCount = shards[nextShard].Read(pending);
                nextShard = nextShard + 1 == shards.Length ? 0 : nextShard + 1;
            }

            work += Send(nowNs);
        }

        int count;
        while ((count = port.ReclaimLost(reclaimed)) != 0)
        {
            GiveUp(reclaimed.AsSpan(0, count), nowNs);
            work += count;
        }

        do
        {
            count = port.Reclaim(reclaimed);
            Home.Add(reclaimed, count);
            work += count;
        }
        while (count == reclaimed.Length);

        Home.Publish();
        return work;
    }

    private int Send(long nowNs)
    {
        // Called even with nothing to send, because the port then checks its link.
        int taken = port.Inject(arena, pending.AsSpan(0, pendingCount), nowNs);
        int left = pendingCount - taken;
        if (taken != 0 || left == 0)
        {
            blockedSinceNs = NotBlocked;
        }
        else if (blockedSinceNs == NotBlocked)
        {
            blockedSinceNs = nowNs;
        }
        else if (nowNs - blockedSinceNs >= EngineLimits.GuestPatienceNs)
        {
            GiveUp(pending.AsSpan(0, left), nowNs);
            pendingCount = 0;
            return left;
        }

        Array.Copy(pending, taken, pending, 0, left);
        pendingCount = left;
        return taken;
    }

    private void GiveUp(ReadOnlySpan<FrameRef> frames, long nowNs)
    {
        foreach (FrameRef frame in frames)
        {
            missed[InboundRings.ShardOf(arena[frame].FlowHash, missed.Length)].Add(frame);
        }

        foreach (SpscRing<FrameRef> ring in missed)
        {
            ring.Publish();
        }

        Missed += frames.Length;
        guest.NoteMirrorLoss(nowNs);
    }
}
