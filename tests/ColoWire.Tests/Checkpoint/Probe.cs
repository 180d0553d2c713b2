// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Threading;
using ColoWire.Engine;
using ColoWire.Engine.Checkpoint;
using ColoWire.Ports.Checkpoint;
using NUnit.Framework;

namespace ColoWire.Tests.Checkpoint;

/// <summary>In the place of the gate: asks a requester, and keeps what it tells.</summary>
internal sealed class Probe(CheckpointRequester requester)
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly List<CheckpointEvent> told = [];

    public static void Until(Func<bool> condition, string what) =>
        Assert.That(SpinWait.SpinUntil(condition, Patience), Is.True, $"it took too long until {what}");

    public void Ask() => requester.Request(new CheckpointReport { Epoch = 7, Divergence = new Divergence { Reason = DivergenceReason.Payload, Offset = 42 } }, 0);

    public void UntilReady() => Until(() => requester.IsReady, $"it is ready: {requester.Trouble}");

    public void UntilLost() => Until(() => !requester.IsReady, "it is lost");

    /// <summary>Waits for as many events, and asserts that it is these and no others since the last time.</summary>
    public void Expect(params CheckpointEvent[] expected)
    {
        Until(() => Poll() >= expected.Length, $"{string.Join(", ", expected)} was told; it was {string.Join(", ", told)}");
        Assert.That(told, Is.EqualTo(expected));
        told.Clear();
    }

    /// <summary>Asserts that nothing was told that was not expected.</summary>
    public void ExpectNothing()
    {
        Poll();
        Assert.That(told, Is.Empty);
    }

    private int Poll()
    {
        for (CheckpointEvent next = requester.Poll(0); next != CheckpointEvent.None; next = requester.Poll(0))
        {
            told.Add(next);
        }

        return told.Count;
    }
}
