// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine;
using ColoWire.Engine.Frames;
using ColoWire.Ports.Linux;

namespace ColoWire.Benchmarks.Shards;

/// <summary>The anchor: receives the same frames from the same ports in the same memory, and only compares their bytes.</summary>
internal sealed class BareLoop : IDisposable
{
    private readonly FrameArena arena = new(EngineLimits.SlotsPerSide.Default, EngineLimits.LargeSlotsPerSide.Default, HugePages.Advise);
    private readonly StampedPort primary;
    private readonly StampedPort secondary;
    private readonly FrameRef[] primaryBatch = new FrameRef[EngineLimits.BatchFrames];
    private readonly FrameRef[] secondaryBatch = new FrameRef[EngineLimits.BatchFrames];

    /// <summary>Makes the loop; the first frames fill the slots.</summary>
    public BareLoop(Workload workload)
    {
        primary = new StampedPort(workload, Side.Primary, () => long.MaxValue);
        secondary = new StampedPort(workload, Side.Secondary, () => long.MaxValue);
        Run(1 << 20);
    }

    /// <summary>Compares the frames of a number of pairs; throws when a pair differs.</summary>
    public void Run(long pairs)
    {
        for (long done = 0; done < pairs; done += EngineLimits.BatchFrames)
        {
            int count = primary.Receive(arena.Primary, primaryBatch, done);
            secondary.Receive(arena.Secondary, secondaryBatch, done);
            for (int i = 0; i < count; i++)
            {
                if (!arena.Bytes(primaryBatch[i]).SequenceEqual(arena.Bytes(secondaryBatch[i])))
                {
                    throw new InvalidOperationException("two frames of one number differ");
                }

                arena.Primary.Return(primaryBatch[i]);
                arena.Secondary.Return(secondaryBatch[i]);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => arena.Dispose();
}
