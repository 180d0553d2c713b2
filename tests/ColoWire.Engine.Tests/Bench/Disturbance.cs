// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine.Checkpoint;

namespace ColoWire.Engine.Tests.Bench;

/// <summary>What hypervisors and operators do at any moment, by number.</summary>
public static class Disturbance
{
    private static readonly Action<TestBench>[] Kinds =
    [
        Words.Checkpointed,
        Words.Happens(CheckpointEvent.Began),
        Words.Happens(CheckpointEvent.Failed),
        Words.Happens(CheckpointEvent.SecondaryLost),
        bench => bench.Requester.IsReady = !bench.Requester.IsReady,
        bench => bench.Secondary.HasLink = !bench.Secondary.HasLink,
        bench => bench.Path.Gate.NoteBypass(),
        bench => bench.Path.RequestCheckpoint(),
        bench => bench.Path.Flush(),
        bench => bench.Path.SetMode(CompareMode.Observe),
        bench => bench.Path.SetMode(CompareMode.Lockstep),
        bench => bench.Jump(2),
    ];

    public static int Count => Kinds.Length;

    /// <summary>Does one of them; the path hears of it at its next poll.</summary>
    public static void Make(TestBench bench, int kind) => Kinds[kind](bench);

    /// <summary>All that was begun comes to a good end: nothing need wait any more.</summary>
    public static void End(TestBench bench)
    {
        bench.Requester.IsReady = true;
        bench.Secondary.HasLink = true;
        bench.Checkpoint();
        bench.Checkpoint();
    }
}
