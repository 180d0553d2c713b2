// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Diagnostics;
using ColoWire.Engine.Frames;

namespace ColoWire.Ports;

/// <summary>What an inject port adds to <see cref="InjectLoop"/>: how it sends.</summary>
internal interface IFrameSender
{
    /// <summary>Sends frames from the front, and never blocks.</summary>
    /// <param name="arena">Where the frames lie.</param>
    /// <param name="frames">One or more frames, oldest first.</param>
    /// <param name="nowNs">The engine's clock, in nanoseconds.</param>
    /// <returns>How many frames from the front need no further call: they were sent, queued, or lost and counted. 0: the first
    /// one has to wait, and those behind it with it.</returns>
    int Send(FrameArena arena, ReadOnlySpan<FrameRef> frames, long nowNs);
}

/// <summary>
/// The loop of every inject port, and what it is made of: the retry rule for a full send queue, the counters, and the frames that
/// go back to the engine. A port sends by <see cref="IFrameSender.Send"/> and ends each attempt with one of <see cref="Sent"/>,
/// <see cref="Lose"/> and <see cref="WaitOrLose"/>, whose result it returns.
/// </summary>
/// <param name="retryMs">How long a frame waits for room in a full send queue, in ms; see
/// <see cref="PortLimits.SendRetryMs"/>.</param>
internal sealed class InjectLoop(int retryMs)
{
    /// <summary>Frames that the port may hold until the engine reclaims them: some batches of the egress duty, which reclaims
    /// once per poll.</summary>
    private const int MaxDone = 1024;

    private readonly SendPatience patience = new(retryMs);
    private readonly FrameRef[] done = new FrameRef[MaxDone];
    private readonly FrameRef[] lost = new FrameRef[MaxDone];
    private int doneCount;
    private int lostCount;
    private bool separatesLost;

    /// <summary>The port's counters.</summary>
    public InjectTally Tally { get; } = new();

    /// <summary>Offers frames to the port until one has to wait.</summary>
    /// <returns>As <see cref="IInjectPort.Inject"/> has it: how many frames from the front were taken.</returns>
    public int Run<TSender>(TSender port, FrameArena arena, ReadOnlySpan<FrameRef> frames, long nowNs)
        where TSender : class, IFrameSender
    {
        // No more than can be given back, whatever becomes of them.
        ReadOnlySpan<FrameRef> offered = frames[..Math.Min(frames.Length, MaxDone - doneCount - lostCount)];
        int taken = 0;
        while (taken < offered.Length)
        {
            int count = port.Send(arena, offered[taken..], nowNs);
            if (count == 0)
            {
                break;
            }

            taken += count;
        }

        return taken;
    }

    /// <summary>Frames were sent as a whole; the engine gets them back.</summary>
    /// <param name="sent">The frames.</param>
    /// <param name="bytes">Their bytes together.</param>
    /// <returns>How many frames were sent.</returns>
    public int Sent(ReadOnlySpan<FrameRef> sent, long bytes)
    {
        Progress();
        Tally.AddBytes(bytes);
        Tally.AddFrames(sent.Length);
        GiveBack(sent);
        return sent.Length;
    }

    /// <summary>A frame is lost; the engine gets it back.</summary>
    /// <returns>1: one frame needs no further call.</returns>
    public int Lose(FrameRef frame, InjectLoss cause)
    {
        Tally.AddLost(cause, 1);
        if (separatesLost)
        {
            lost[lostCount++] = frame;
        }
        else
        {
            GiveBack([frame]);
        }

        return 1;
    }

    /// <summary>A frame found no room in the send queue: it waits, or is lost when it has waited for too long.</summary>
    /// <returns>0 when it waits, 1 when it is lost.</returns>
    public int WaitOrLose(FrameRef frame, InjectLoss cause, long nowNs) => MustWait(nowNs) ? 0 : Lose(frame, cause);

    /// <summary>Whether a frame that found no room is to wait; then a retry is counted.</summary>
    public bool MustWait(long nowNs)
    {
        bool mustWait = patience.MayWait(nowNs);
        if (mustWait)
        {
            Tally.AddRetry();
        }

        return mustWait;
    }

    /// <summary>The send queue has taken something: the wait for room begins anew.</summary>
    public void Progress() => patience.Progress();

    /// <summary>Gives frames back to the engine, whose bytes the port does not need any more.</summary>
    public void GiveBack(ReadOnlySpan<FrameRef> frames)
    {
        Debug.Assert(frames.Length <= MaxDone - doneCount, "the loop offers no more frames than fit");
        frames.CopyTo(done.AsSpan(doneCount));
        doneCount += frames.Length;
    }

    /// <summary>As <see cref="IInjectPort.Reclaim"/> has it. The newest come first: the order of free slots has no
    /// meaning.</summary>
    public int Reclaim(Span<FrameRef> room)
    {
        int count = Math.Min(doneCount, room.Length);
        doneCount -= count;
        done.AsSpan(doneCount, count).CopyTo(room);
        return count;
    }

    /// <summary>As <see cref="IInjectPort.ReclaimLost"/> has it.</summary>
    public int ReclaimLost(Span<FrameRef> room)
    {
        separatesLost = true;
        int count = Math.Min(lostCount, room.Length);
        lostCount -= count;
        lost.AsSpan(lostCount, count).CopyTo(room);
        return count;
    }
}
