// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Exits;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Rings;

namespace ColoWire.Engine.Egress;

/// <summary>
/// Sends frames: injects the frames that the shards released, those of each shard in their order (R6), and returns their slots.
/// Frames that the port does not take are offered again before any newer frame.
/// </summary>
public sealed partial class EgressDuty : IDuty
{
    private readonly FrameArena arena;
    private readonly IInjectPort port;
    private readonly ShardRings[] shards;
    private readonly FrameRef[] pending = new FrameRef[EngineLimits.BatchFrames];
    private readonly FrameRef[] reclaimed = new FrameRef[EngineLimits.BatchFrames];
    private readonly GuestState guest;
    private int pendingCount;
    private bool injecting;
    private int nextShard;

    internal EgressDuty(FrameArena arena, IInjectPort port, ShardRings[] shards, GuestState guest, EgressDuty? failed)
    {
        this.arena = arena;
        this.port = port;
        this.shards = shards;
        this.guest = guest;
        HoldTimes = failed?.HoldTimes ?? new HoldTimes();
    }

    /// <summary>The durations from the arrival of frames to their injection.</summary>
    public HoldTimes HoldTimes { get; }

    /// <inheritdoc/>
    public int Poll(long nowNs)
    {
        int work = 0;
        for (int turn = 0; turn < shards.Length; turn++)
        {
            if (pendingCount == 0)
            {
                pendingCount = shards[nextShard].Released.Read(pending);
                nextShard = nextShard + 1 == shards.Length ? 0 : nextShard + 1;
            }

            work += Send(nowNs);
        }

        return work + TakeBack();
    }

    private int Send(long nowNs)
    {
        // Called even with nothing to send, because the port then checks its link.
        injecting = true;
        int taken = port.Inject(arena, pending.AsSpan(0, pendingCount), nowNs);
        NoteHoldTimes(taken, nowNs);
        injecting = false;
        Array.Copy(pending, taken, pending, 0, pendingCount - taken);
        pendingCount -= taken;
        return taken;
    }

    /// <summary>Counts the hold times. Frames of one capture batch have the same arrival time and are counted together.</summary>
    private void NoteHoldTimes(int sent, long nowNs)
    {
        int from = 0;
        for (int i = 1; i <= sent; i++)
        {
            long arrivalNs = arena[pending[from]].ArrivalNs;
            if (i == sent || arena[pending[i]].ArrivalNs != arrivalNs)
            {
                HoldTimes.Add(nowNs - arrivalNs, i - from);
                from = i;
            }
        }
    }

    private int TakeBack()
    {
        int work = 0;
        int count;
        do
        {
            // Each shard may have sent a batch, so reclaiming one batch per poll would not suffice.
            count = port.Reclaim(reclaimed);
            SendHome(count);
            work += count;
        }
        while (count == reclaimed.Length);

        foreach (ShardRings rings in shards)
        {
            rings.InjectedHome.Publish();
            rings.Observed.Publish();
        }

        shards[0].SecondaryInjectedHome.Publish();
        return work;
    }

    private void SendHome(int count)
    {
        if (!guest.HasObserved && arena.AreSmallOfPrimary(reclaimed, count))
        {
            shards[0].InjectedHome.Add(reclaimed, count);
            return;
        }

        for (int i = 0; i < count; i++)
        {
            HomeOf(reclaimed[i]).Add(reclaimed[i]);
        }
    }

    private SpscRing<FrameRef> HomeOf(FrameRef injected)
    {
        if (arena[injected].Side == Side.Secondary)
        {
            return shards[0].SecondaryInjectedHome;
        }

        // A frame that was sent ahead returns to its shard, which may not have compared it yet; all other slots are free, and the
        // rings of any shard lead to their pool.
        return (arena[injected].Marks & FrameMarks.SentAhead) == 0
            ? shards[0].InjectedHome
            : shards[(int)((arena[injected].FlowHash * (ulong)shards.Length) >> 32)].Observed;
    }
}
