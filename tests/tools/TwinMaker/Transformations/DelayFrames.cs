// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;

namespace ColoWire.TwinMaker.Transformations;

/// <summary>Delays each frame a little, never to before the frame ahead of it in its flow, and sorts all frames by
/// time.</summary>
internal sealed class DelayFrames(int mostMicroseconds) : ITransformation
{
    public string Name => "delay";

    public void Apply(List<TwinFrame> frames, DeterministicRandom random)
    {
        Dictionary<FlowKey, long> lastTimes = [];
        foreach (TwinFrame frame in frames)
        {
            long time = frame.TimeMicroseconds + random.Between(0, mostMicroseconds);
            frame.TimeMicroseconds = lastTimes[frame.Flow] = Math.Max(time, lastTimes.GetValueOrDefault(frame.Flow));
        }

        List<TwinFrame> sorted = [.. frames.OrderBy(frame => frame.TimeMicroseconds)];
        frames.Clear();
        frames.AddRange(sorted);
    }
}
