// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine;

namespace ColoWire.Ports.Checkpoint;

/// <summary>Every bound of the checkpoint requesters, and how it was derived (R8).</summary>
public static class RequesterLimits
{
    /// <summary>Requests that wait for a requester's thread: the gate has one outstanding, and repeated requests ask for the
    /// same.</summary>
    public const int WaitingRequests = 2;

    /// <summary>Events that wait for the gate, which polls every few microseconds: a checkpoint has two.</summary>
    public const int WaitingEvents = 16;

    /// <summary>The pause of a requester's thread while the ring of events is full, in ms.</summary>
    public const int FullEventsPauseMs = 1;

    /// <summary>How long a requester's thread may take to end, in ms: all of its waits can be cancelled.</summary>
    public const int EndPatienceMs = 500;

    /// <summary>How long a peer may not read what is sent to it, in ms. It is less than a hundred bytes: a peer that does not
    /// read them hangs.</summary>
    public const int SendPatienceMs = 1000;

    /// <summary>How often a primary that cannot make a checkpoint now is asked whether it can, in ms; the cost for QEMU is too
    /// small to measure.</summary>
    public const int LookIntervalMs = 1000;

    /// <summary>Bytes of the longest line of QMP that is parsed: the longest answer to a command sent here, that of
    /// query-migrate, has 2,000.</summary>
    public const int QmpLineBytes = 1 << 16;

    /// <summary>The <c>x-checkpoint-delay</c> that is set, in ms: QEMU makes a checkpoint when it is set, and another one after
    /// the delay. Ten minutes are far longer than the time between two requests; 0 would stall QEMU.</summary>
    public const int CheckpointDelayMs = 600_000;

    /// <summary>Bytes of the longest message on a notify_dev: the longest known one has 25. A greater length is
    /// invalid.</summary>
    public const int NotifyMessageBytes = 4096;

    /// <summary>Characters of a text of another program that a message shows at most.</summary>
    public const int ShownCharacters = 200;

    /// <summary>Range of how long a command may run, in ms. By default as long as the gate waits for a checkpoint
    /// (<see cref="EngineLimits.CheckpointRetryMs"/>): one that runs longer would be requested again while it still
    /// runs.</summary>
    public static readonly Range<int> CommandTimeoutMs = new(10, 600_000, 3000);
}
