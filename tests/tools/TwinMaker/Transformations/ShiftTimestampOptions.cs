// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using System.Collections.Generic;

namespace ColoWire.TwinMaker.Transformations;

/// <summary>Gives TCP's timestamp option the values of another guest's clock (RFC 7323).</summary>
internal sealed class ShiftTimestampOptions : ITransformation
{
    /// <summary>The greatest lag of TSecr, in ticks of the client's clock: the second guest may send before it has received the
    /// client's newest segment.</summary>
    private const int LongestEchoLag = 2;

    public string Name => "timestamps";

    public void Apply(List<TwinFrame> frames, DeterministicRandom random)
    {
        Dictionary<FlowKey, uint> clockOffsets = [];
        Dictionary<FlowKey, uint> lastEchoes = [];
        foreach (TwinFrame frame in frames)
        {
            if (!frame.IsTcp || frame.Tcp.Timestamps.IsEmpty)
                continue;

            if (!clockOffsets.TryGetValue(frame.Flow, out uint clockOffset))
                clockOffsets[frame.Flow] = clockOffset = random.Next32();
            Span<byte> value = frame.Tcp.Timestamps;
            BinaryPrimitives.WriteUInt32BigEndian(value, BinaryPrimitives.ReadUInt32BigEndian(value) + clockOffset);

            Span<byte> echo = value[4..];
            uint newEcho = BinaryPrimitives.ReadUInt32BigEndian(echo);
            if (!frame.Tcp.HasAny(TcpFlags.Syn | TcpFlags.Rst) && lastEchoes.TryGetValue(frame.Flow, out uint lastEcho))
                newEcho = Lag(newEcho, lastEcho, random);
            lastEchoes[frame.Flow] = newEcho;
            BinaryPrimitives.WriteUInt32BigEndian(echo, newEcho);
            frame.TransportChanged = true;
        }
    }

    private static uint Lag(uint echo, uint lastEcho, DeterministicRandom random)
    {
        uint lagging = echo - (uint)random.Between(0, LongestEchoLag);
        return SerialNumber.IsBefore(lagging, lastEcho) ? lastEcho : lagging;
    }
}
