// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using System.Linq;

namespace ColoWire.TwinMaker.Transformations;

/// <summary>Retransmits some TCP data segments, up to two frames of the flow later.</summary>
internal sealed class RetransmitSegments(int percent) : ITransformation
{
    private const int MostFramesBetween = 2;

    private const TcpFlags Borders = TcpFlags.Syn | TcpFlags.Fin | TcpFlags.Rst;

    public string Name => "retransmit";

    public void Apply(List<TwinFrame> frames, DeterministicRandom random)
    {
        Dictionary<FlowKey, Due> dueOfFlow = [];
        List<TwinFrame> result = [];
        foreach (TwinFrame frame in frames)
        {
            if (frame.IsTcp && dueOfFlow.TryGetValue(frame.Flow, out Due? due))
            {
                // A segment is not retransmitted after its connection has ended or a new one has begun.
                if (due.FramesBetween == 0 || frame.Tcp.HasAny(Borders))
                {
                    result.Add(due.SendAgain());
                    dueOfFlow.Remove(frame.Flow);
                }
                else
                {
                    due.FramesBetween--;
                    due.Latest = frame;
                }
            }

            result.Add(frame);
            if (CanBeSentAgain(frame) && !dueOfFlow.ContainsKey(frame.Flow) && random.Chance(percent))
                dueOfFlow[frame.Flow] = new Due(frame) { FramesBetween = random.Between(0, MostFramesBetween), Latest = frame };
        }

        result.AddRange(dueOfFlow.Values.Select(due => due.SendAgain()));
        frames.Clear();
        frames.AddRange(result);
    }

    /// <summary>The old bytes, with the acknowledgment, window and timestamps of the guest's latest frame.</summary>
    public static TwinFrame SentAgain(TwinFrame original, TwinFrame latest)
    {
        TwinFrame copy = original.WithTcpPayload(original.Payload);
        copy.TimeMicroseconds = latest.TimeMicroseconds;
        TcpHeader header = copy.Tcp;
        header.Acknowledgment = latest.Tcp.Acknowledgment;
        header.Window = latest.Tcp.Window;
        if (header.Timestamps.Length == latest.Tcp.Timestamps.Length)
            latest.Tcp.Timestamps.CopyTo(header.Timestamps);
        return copy;
    }

    private static bool CanBeSentAgain(TwinFrame frame) => frame.IsTcpData && !frame.Tcp.HasAny(Borders | TcpFlags.Urg);

    private sealed class Due(TwinFrame original)
    {
        public int FramesBetween { get; set; }

        public required TwinFrame Latest { get; set; }

        public TwinFrame SendAgain() => SentAgain(original, Latest);
    }
}
