// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine.Checkpoint;

namespace ColoWire.Engine.Tests.Bench;

/// <summary>Events that hypervisors and operators may cause at any moment, by number.</summary>
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

    /// <summary>Causes one event; the path reads it at its next poll.</summary>
    public static void Make(TestBench bench, int kind) => Kinds[kind](bench);

    /// <summary>Completes every checkpoint and every other event that has begun, so that no frame has a reason to be
    /// held.</summary>
    public static void End(TestBench bench)
    {
        bench.Requester.IsReady = true;
        bench.Secondary.HasLink = true;
        bench.Checkpoint();
        bench.Checkpoint();
    }
}
