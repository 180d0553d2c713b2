// SPDX-License-Identifier: GPL-2.0-or-later

using System.Threading;
using ColoWire.Engine.Frames;

namespace ColoWire.Ports;

/// <summary>Why a frame was lost on its way out.</summary>
internal enum InjectLoss
{
    /// <summary>It is longer than the interface's MTU allows.</summary>
    TooLong,

    /// <summary>The link was down.</summary>
    LinkDown,

    /// <summary>Any other reason, a send queue that stayed full among them.</summary>
    Failed,
}

/// <summary>The counters of an inject port. The port's thread writes them, any thread may read
/// <see cref="Statistics"/>.</summary>
internal sealed class InjectTally
{
    private long frames;
    private long byteCount;
    private long retries;
    private long tooLong;
    private long linkDown;
    private long failed;

    /// <summary>What was counted since the port was opened; any thread may read it.</summary>
    public InjectStatistics Statistics => new(
        Volatile.Read(ref frames),
        Volatile.Read(ref byteCount),
        Volatile.Read(ref retries),
        Volatile.Read(ref tooLong),
        Volatile.Read(ref linkDown),
        Volatile.Read(ref failed));

    /// <summary>Counts frames that were sent, without their bytes.</summary>
    public void AddFrames(int count) => Volatile.Write(ref frames, frames + count);

    /// <summary>Counts bytes that were sent, or handed to a queue from which their frames come back one by one.</summary>
    public void AddBytes(long count) => Volatile.Write(ref byteCount, byteCount + count);

    /// <summary>Counts that a full send queue made a frame wait.</summary>
    public void AddRetry() => Volatile.Write(ref retries, retries + 1);

    /// <summary>Counts frames that were lost.</summary>
    public void AddLost(InjectLoss cause, int count)
    {
        ref long counter = ref failed;
        if (cause != InjectLoss.Failed)
        {
            counter = ref cause == InjectLoss.TooLong ? ref tooLong : ref linkDown;
        }

        Volatile.Write(ref counter, counter + count);
    }
}
