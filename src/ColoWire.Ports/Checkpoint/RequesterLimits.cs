// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine;

namespace ColoWire.Ports.Checkpoint;

/// <summary>Every bound of the checkpoint requesters with its derivation (R8).</summary>
public static class RequesterLimits
{
    /// <summary>Requests that wait for a requester's thread: the gate has one outstanding, and those that it makes again ask for the same.</summary>
    public const int WaitingRequests = 2;

    /// <summary>Events that wait for the gate, which looks every few microseconds: a checkpoint has two.</summary>
    public const int WaitingEvents = 16;

    /// <summary>The pause of a requester's thread when the gate takes no events, in ms.</summary>
    public const int FullEventsPauseMs = 1;

    /// <summary>How long a requester's thread may take to end, in ms: each of its waits ends at once when it is to.</summary>
    public const int EndPatienceMs = 500;

    /// <summary>How long a peer may let what is sent to it lie, in ms. It is less than a hundred bytes: one that does not take them hangs.</summary>
    public const int SendPatienceMs = 1000;

    /// <summary>How often a primary that cannot make a checkpoint now is asked whether it can, in ms: each time costs it nothing that one
    /// could measure.</summary>
    public const int LookIntervalMs = 1000;

    /// <summary>Bytes of the longest line of QMP that is understood: the longest answer to what is asked, that of query-migrate, has 2,000.</summary>
    public const int QmpLineBytes = 1 << 16;

    /// <summary>The <c>x-checkpoint-delay</c> that is set, in ms: to set it makes QEMU checkpoint at once, and again when so much time has
    /// gone by. Ten minutes are far longer than what one request is from the next; 0 would stall QEMU.</summary>
    public const int CheckpointDelayMs = 600_000;

    /// <summary>Bytes of the longest message on a notify_dev: the longest known has 25. What claims to be longer is no such message.</summary>
    public const int NotifyMessageBytes = 4096;

    /// <summary>Characters that are shown of a text that somebody else wrote.</summary>
    public const int ShownCharacters = 200;

    /// <summary>Range of how long a command may take, in ms. By default as long as the gate waits for a checkpoint
    /// (<see cref="EngineLimits.CheckpointRetryMs"/>): one that takes longer would be asked for again while it still runs.</summary>
    public static readonly Range<int> CommandTimeoutMs = new(10, 600_000, 3000);
}
