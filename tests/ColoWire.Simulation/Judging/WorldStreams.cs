// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using ColoWire.Simulation.World;

namespace ColoWire.Simulation.Judging;

/// <summary>What the world hears of each connection: one set of numbers, and at each position of the stream one byte
/// (R12).</summary>
internal sealed class WorldStreams
{
    private readonly Dictionary<(int Flow, int Connection), Stream> streams = [];

    /// <summary>A segment leaves towards the clients.</summary>
    public void Take(SentFrame frame)
    {
        if (frame.Kind != SentKind.Segment || frame.Aside != 0)
        {
            return;
        }

        WireSegment.TryRead(frame.Bytes, out WireSegment wire);
        uint isn = wire.Sequence - (uint)(frame.Syn ? 0 : frame.Start);
        if (!streams.TryGetValue((frame.Flow, frame.Connection), out Stream? stream))
        {
            streams[(frame.Flow, frame.Connection)] = stream = new Stream(isn);
        }

        if (isn != stream.Isn)
        {
            throw new OracleException("1 one set of numbers (R12)", frame.Flow, $"{frame} left with other numbers than before");
        }

        for (int at = frame.Start; at < frame.End; at++)
        {
            byte said = frame.Payload[at - frame.Start];
            if (!stream.Bytes.TryAdd(at, said) && stream.Bytes[at] != said)
            {
                throw new OracleException("1 one stream (R12)", frame.Flow, $"{frame} left with another byte at {at}");
            }
        }
    }

    private sealed class Stream(uint isn)
    {
        public uint Isn => isn;

        public Dictionary<int, byte> Bytes { get; } = [];
    }
}
