// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;

namespace ColoWire.TwinMaker.Transformations;

/// <summary>Omits pure acknowledgments that a later frame of the flow soon covers, as delayed acknowledgments do.</summary>
internal sealed class DropAcknowledgments : ITransformation
{
    private const int Percent = 50;

    /// <summary>Least delay of a delayed acknowledgment in Linux: 40 ms (TCP_DELACK_MIN).</summary>
    private const long LongestDelayMicroseconds = 40_000;

    private const TcpFlags NeverDropped = TcpFlags.Syn | TcpFlags.Fin | TcpFlags.Rst;

    public string Name => "drop-acks";

    public void Apply(List<TwinFrame> frames, DeterministicRandom random)
    {
        // From the last frame to the first, so that an omitted acknowledgment is covered by one that stays.
        Dictionary<FlowKey, TwinFrame> nextKept = [];
        bool[] dropped = new bool[frames.Count];
        for (int index = frames.Count - 1; index >= 0; index--)
        {
            TwinFrame frame = frames[index];
            if (nextKept.TryGetValue(frame.Flow, out TwinFrame? next) && IsMadeUpFor(frame, next) && random.Chance(Percent))
                dropped[index] = true;
            else
                nextKept[frame.Flow] = frame;
        }

        int position = 0;
        frames.RemoveAll(_ => dropped[position++]);
    }

    private static bool IsMadeUpFor(TwinFrame frame, TwinFrame next) =>
        frame.IsTcp && next.IsTcp && frame.Layout.PayloadLength == 0 && !frame.Tcp.HasAny(NeverDropped)
        && !next.Tcp.HasAny(TcpFlags.Syn | TcpFlags.Rst)
        && !SerialNumber.IsBefore(next.Tcp.Acknowledgment, frame.Tcp.Acknowledgment)
        && next.TimeMicroseconds - frame.TimeMicroseconds <= LongestDelayMicroseconds;
}
