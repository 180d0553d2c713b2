// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Diagnostics;
using System.Threading;
using ColoWire.Engine.Frames;

namespace ColoWire.Ports;

/// <summary>What an inject port counts, and the frames that it took and has not given back.</summary>
internal sealed class InjectTally
{
    /// <summary>Frames that may wait to be given back: some batches of the egress duty, which asks once per poll.</summary>
    private const int TakenFrames = 1024;

    private readonly FrameRef[] taken = new FrameRef[TakenFrames];
    private int takenCount;
    private long frames;
    private long byteCount;
    private long retries;
    private long tooLong;
    private long linkDown;
    private long failed;

    /// <summary>How many frames may be taken now.</summary>
    public int Room => TakenFrames - takenCount;

    /// <summary>What was counted; any thread may read it.</summary>
    public InjectStatistics Statistics => new(
        Volatile.Read(ref frames),
        Volatile.Read(ref byteCount),
        Volatile.Read(ref retries),
        Volatile.Read(ref tooLong),
        Volatile.Read(ref linkDown),
        Volatile.Read(ref failed));

    public void Sent(FrameRef frame, int length)
    {
        Volatile.Write(ref byteCount, byteCount + length);
        Volatile.Write(ref frames, frames + 1);
        Take(frame);
    }

    /// <summary>The same for several at once.</summary>
    public void Sent(ReadOnlySpan<FrameRef> sent, long bytes)
    {
        Debug.Assert(sent.Length <= Room, "the port looked at Room");
        Volatile.Write(ref byteCount, byteCount + bytes);
        Volatile.Write(ref frames, frames + sent.Length);
        sent.CopyTo(taken.AsSpan(takenCount));
        takenCount += sent.Length;
    }

    /// <summary>Frames were handed to a queue out of which they come back one by one.</summary>
    public void Handed(long bytes) => Volatile.Write(ref byteCount, byteCount + bytes);

    /// <summary>A frame of which a part has left is given back before the rest is sent, from a copy.</summary>
    public void Handed(FrameRef frame, long bytes)
    {
        Handed(bytes);
        Take(frame);
    }

    /// <summary>Some of those came back, or were sent from a copy.</summary>
    /// <param name="sentCount">How many have left.</param>
    /// <param name="refusedCount">How many were refused and are lost.</param>
    /// <param name="link">Tells why.</param>
    public void Left(int sentCount, int refusedCount, LinkState link)
    {
        Volatile.Write(ref frames, frames + sentCount);
        if (refusedCount != 0)
        {
            ref long cause = ref link == LinkState.Up ? ref failed : ref linkDown;
            Volatile.Write(ref cause, cause + refusedCount);
        }
    }

    public void Retry() => Volatile.Write(ref retries, retries + 1);

    public void LostTooLong(FrameRef frame) => Lost(frame, ref tooLong);

    public void LostLinkDown(FrameRef frame) => Lost(frame, ref linkDown);

    public void LostFailed(FrameRef frame) => Lost(frame, ref failed);

    /// <summary>As <see cref="IInjectPort.Reclaim"/> says; the newest first, since the order of slots means nothing.</summary>
    public int Reclaim(Span<FrameRef> room)
    {
        int count = Math.Min(takenCount, room.Length);
        takenCount -= count;
        taken.AsSpan(takenCount, count).CopyTo(room);
        return count;
    }

    private void Lost(FrameRef frame, ref long counter)
    {
        Volatile.Write(ref counter, counter + 1);
        Take(frame);
    }

    private void Take(FrameRef frame)
    {
        Debug.Assert(takenCount < TakenFrames, "the port looked at Room");
        taken[takenCount++] = frame;
    }
}
