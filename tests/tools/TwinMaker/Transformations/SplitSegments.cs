// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;

namespace ColoWire.TwinMaker.Transformations;

/// <summary>Splits some TCP data segments in two.</summary>
internal sealed class SplitSegments(int percent) : ITransformation
{
    private const TcpFlags NeverCut = TcpFlags.Syn | TcpFlags.Rst | TcpFlags.Urg;

    public string Name => "split";

    public void Apply(List<TwinFrame> frames, DeterministicRandom random)
    {
        List<TwinFrame> result = [];
        foreach (TwinFrame frame in frames)
        {
            if (CanBeCut(frame) && random.Chance(percent))
                result.AddRange(Cut(frame, random.Between(1, frame.Layout.PayloadLength - 1)));
            else
                result.Add(frame);
        }

        frames.Clear();
        frames.AddRange(result);
    }

    private static bool CanBeCut(TwinFrame frame) =>
        frame.IsTcpData && frame.Layout.PayloadLength >= 2 && !frame.Tcp.HasAny(NeverCut);

    private static TwinFrame[] Cut(TwinFrame frame, int firstLength)
    {
        TwinFrame first = frame.WithTcpPayload(frame.Payload[..firstLength]);
        TcpHeader firstHeader = first.Tcp;
        firstHeader.Flags &= ~(TcpFlags.Fin | TcpFlags.Psh);

        TwinFrame last = frame.WithTcpPayload(frame.Payload[firstLength..]);
        TcpHeader lastHeader = last.Tcp;
        lastHeader.Sequence += (uint)firstLength;
        return [first, last];
    }
}
