// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.Json.Nodes;

namespace ColoWire.TwinMaker.Transformations;

/// <summary>Code that both flips use: it selects the frame and the byte, and reports them.</summary>
internal static class ByteFlip
{
    /// <summary>The <paramref name="ordinal"/>-th of the frames that <paramref name="qualifies"/> accepts.</summary>
    public static TwinFrame Choose(List<TwinFrame> frames, int ordinal, string option, Func<TwinFrame, bool> qualifies)
    {
        List<TwinFrame> candidates = [.. frames.Where(qualifies)];
        if (candidates.Count == 0)
            throw new BadInputException($"{option} {ordinal}: the capture has no such frame with data");
        if (ordinal > candidates.Count)
            throw new BadInputException($"{option} {ordinal}: allowed are 1 to {candidates.Count}, the frames with data");
        return candidates[ordinal - 1];
    }

    public static byte OtherByte(byte original, DeterministicRandom random) => (byte)(original ^ random.Between(1, 255));

    public static void SendAhead(TwinFrame frame, int offset, byte original, byte changed)
    {
        JsonObject report = new()
        {
            ["flow"] = frame.Flow.ToJson(),
            ["primary_frame"] = frame.PrimaryFrame,
            ["offset"] = offset,
            ["primary_byte"] = original,
            ["secondary_byte"] = changed,
        };
        Console.WriteLine(report.ToJsonString());
    }
}
