// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;

namespace ColoWire.TwinMaker.Transformations;

/// <summary>Gives some connections another initial sequence number, as a second kernel does; only connections whose SYN was
/// captured.</summary>
internal sealed class RenumberConnections : ITransformation
{
    private const int Percent = 50;

    /// <summary>A segment farther from the SYN than the largest window (RFC 7323) belongs to an older connection.</summary>
    private const uint LargestWindow = 1u << 30;

    public string Name => "isn";

    public void Apply(List<TwinFrame> frames, DeterministicRandom random)
    {
        Dictionary<FlowKey, (uint Initial, uint Shift)> connections = [];
        foreach (TwinFrame frame in frames)
        {
            if (!frame.IsTcp)
                continue;
            TcpHeader header = frame.Tcp;
            bool isKnown = connections.TryGetValue(frame.Flow, out (uint Initial, uint Shift) connection);
            if (header.HasAny(TcpFlags.Syn) && !(isKnown && connection.Initial == header.Sequence))
            {
                connection = (header.Sequence, random.Chance(Percent) ? random.Next32() : 0);
                connections[frame.Flow] = connection;
                isKnown = true;
            }

            if (!isKnown || header.Sequence - connection.Initial >= LargestWindow)
                continue;
            header.Sequence += connection.Shift;
            frame.TransportChanged = true;
        }
    }
}
