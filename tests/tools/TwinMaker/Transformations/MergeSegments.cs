// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using System.Linq;

namespace ColoWire.TwinMaker.Transformations;

/// <summary>Merges some pairs of consecutive TCP data segments.</summary>
internal sealed class MergeSegments(int percent) : ITransformation
{
    private const int LongestFrame = 1514;

    /// <summary>The longest time that a real guest waits for more bytes to send; it also bounds the delay that the merge
    /// adds.</summary>
    private const long LongestGapMicroseconds = 20_000;

    private const TcpFlags NeverJoined = TcpFlags.Syn | TcpFlags.Rst | TcpFlags.Urg;

    public string Name => "merge";

    public void Apply(List<TwinFrame> frames, DeterministicRandom random)
    {
        Dictionary<FlowKey, int> lastOfFlow = [];
        TwinFrame?[] result = [.. frames];
        for (int index = 0; index < result.Length; index++)
        {
            TwinFrame frame = frames[index];
            if (lastOfFlow.TryGetValue(frame.Flow, out int previous) && CanBeJoined(result[previous]!, frame)
                && random.Chance(percent))
            {
                result[index] = Join(result[previous]!, frame);
                result[previous] = null;
            }

            lastOfFlow[frame.Flow] = index;
        }

        frames.Clear();
        frames.AddRange(result.OfType<TwinFrame>());
    }

    private static bool CanBeJoined(TwinFrame first, TwinFrame second) =>
        first.IsTcpData && second.IsTcpData
        && !first.Tcp.HasAny(NeverJoined | TcpFlags.Fin) && !second.Tcp.HasAny(NeverJoined)
        && first.Tcp.Sequence + (uint)first.Layout.PayloadLength == second.Tcp.Sequence
        && second.Layout.PayloadOffset + first.Layout.PayloadLength + second.Layout.PayloadLength <= LongestFrame
        && second.TimeMicroseconds - first.TimeMicroseconds <= LongestGapMicroseconds;

    /// <summary>The merged segment is sent when its last byte is available, so all fields except the sequence number are those of
    /// the second segment.</summary>
    private static TwinFrame Join(TwinFrame first, TwinFrame second)
    {
        TwinFrame joined = second.WithTcpPayload([.. first.Payload, .. second.Payload]);
        TcpHeader header = joined.Tcp;
        header.Sequence = first.Tcp.Sequence;
        return joined;
    }
}
