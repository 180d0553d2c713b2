// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using System.Linq;

namespace ColoWire.TwinMaker.Transformations;

/// <summary>Moves some frames behind a few later ones of their flow, as several queues or CPUs of the sender do.</summary>
internal sealed class ReorderFrames : ITransformation
{
    private const int Percent = 10;

    private const TcpFlags Borders = TcpFlags.Syn | TcpFlags.Rst;

    private readonly int _mostPassed;
    private readonly bool _ofTcp;

    private ReorderFrames(string name, bool ofTcp, int mostPassed)
    {
        Name = name;
        _ofTcp = ofTcp;
        _mostPassed = mostPassed;
    }

    /// <summary>The greatest delay of a moved frame. ColoWire waits 20 ms for a datagram that was overtaken, and for the
    /// beginning of a stream whose SYN was not captured; the other delays of frames are added to this one.</summary>
    public static long LongestLagMicroseconds => 10_000;

    public string Name { get; }

    public static ReorderFrames OfSegments() => new("reorder-segments", ofTcp: true, mostPassed: 3);

    /// <summary>Far fewer than the 64 datagrams that may overtake one before ColoWire reports it: each of them may be moved as
    /// well.</summary>
    public static ReorderFrames OfDatagrams() => new("reorder-datagrams", ofTcp: false, mostPassed: 6);

    public void Apply(List<TwinFrame> frames, DeterministicRandom random)
    {
        Dictionary<FlowKey, Straggler> stragglers = [];
        List<TwinFrame> result = [];
        foreach (TwinFrame frame in frames)
        {
            if (stragglers.TryGetValue(frame.Flow, out Straggler? straggler))
            {
                bool mayPass = IsMoved(frame)
                    && straggler.Left > 0
                    && frame.TimeMicroseconds - straggler.Frame.TimeMicroseconds <= LongestLagMicroseconds;
                if (!mayPass)
                {
                    result.Add(straggler.Sent());
                    stragglers.Remove(frame.Flow);
                }
                else
                {
                    straggler.Left--;
                    straggler.PassedMicroseconds = frame.TimeMicroseconds;
                }
            }

            if (IsMoved(frame) && !stragglers.ContainsKey(frame.Flow) && random.Chance(Percent))
                stragglers[frame.Flow] = new Straggler(frame)
                {
                    Left = random.Between(1, _mostPassed),
                    PassedMicroseconds = frame.TimeMicroseconds,
                };
            else
                result.Add(frame);
        }

        result.AddRange(stragglers.Values.Select(straggler => straggler.Sent()));
        frames.Clear();
        frames.AddRange(result.OrderBy(frame => frame.TimeMicroseconds));
    }

    /// <summary>Moves fragments together: the last fragment of a datagram determines the order of datagrams.</summary>
    private bool IsMoved(TwinFrame frame) =>
        _ofTcp ? frame.IsTcp && !frame.Tcp.HasAny(Borders) : frame.IsDatagram && !frame.Layout.IsFragment;

    private sealed class Straggler(TwinFrame frame)
    {
        public TwinFrame Frame { get; } = frame;

        /// <summary>How many frames may still overtake it.</summary>
        public int Left { get; set; }

        public required long PassedMicroseconds { get; set; }

        public TwinFrame Sent()
        {
            Frame.TimeMicroseconds = PassedMicroseconds;
            return Frame;
        }
    }
}
