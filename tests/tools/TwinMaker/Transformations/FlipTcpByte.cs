// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using System.Linq;

namespace ColoWire.TwinMaker.Transformations;

/// <summary>Harm: changes one byte of a TCP stream in each frame that carries it.</summary>
internal sealed class FlipTcpByte(int ordinal) : ITransformation
{
    public string Name => "flip";

    public void Apply(List<TwinFrame> frames, DeterministicRandom random)
    {
        TwinFrame chosen = ByteFlip.Choose(frames, ordinal, "--flip", frame => frame.IsTcpData);
        int offset = random.Between(0, chosen.Layout.PayloadLength - 1);
        byte original = chosen.Payload[offset];
        byte changed = ByteFlip.OtherByte(original, random);
        uint sequence = FirstSequence(chosen) + (uint)offset;

        // The guest may have sent the byte before (then the difference begins at that earlier frame) and may send it again.
        List<TwinFrame> carriers = [.. frames.Where(frame => frame.IsTcpData && frame.Flow == chosen.Flow
            && OffsetIn(frame, sequence) is int place && frame.Payload[place] == original)];
        foreach (TwinFrame carrier in carriers)
        {
            carrier.Payload[SerialNumber.Distance(FirstSequence(carrier), sequence)] = changed;
            carrier.TransportChanged = true;
        }

        ByteFlip.SendAhead(carriers[0], SerialNumber.Distance(FirstSequence(carriers[0]), sequence), original, changed);
    }

    private static int? OffsetIn(TwinFrame frame, uint sequence)
    {
        int offset = SerialNumber.Distance(FirstSequence(frame), sequence);
        return offset >= 0 && offset < frame.Layout.PayloadLength ? offset : null;
    }

    /// <summary>The sequence number of the first payload byte; a SYN occupies the one before.</summary>
    private static uint FirstSequence(TwinFrame frame) => frame.Tcp.Sequence + (frame.Tcp.HasAny(TcpFlags.Syn) ? 1u : 0u);
}
