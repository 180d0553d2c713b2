// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Translate;
using ColoWire.Engine.Wire;
using ColoWire.Fuzz.Cases;

namespace ColoWire.Fuzz.Running;

/// <summary>
/// Keeps account of the frames of clients in one pipeline: each reaches each replica at most once; the primary as it arrived, the
/// secondary perhaps with other numbers in the TCP header or in the quote of an ICMP error, and in nothing else.
/// </summary>
internal sealed class ClientLedger(FuzzCase ofCase)
{
    private readonly Dictionary<uint, int> steps = [];
    private readonly HashSet<uint>[] delivered = [[], []];

    /// <summary>The number of frames that the engine has received.</summary>
    public int Taken => steps.Count;

    /// <summary>Records that the engine receives a frame.</summary>
    /// <param name="number">The number of the frame on its port.</param>
    /// <param name="step">The step of the case.</param>
    public void Take(uint number, int step) => steps.Add(number, step);

    /// <summary>Checks a frame that the port of a replica takes.</summary>
    public void Deliver(Side replica, uint number, ReadOnlySpan<byte> content)
    {
        if (!steps.TryGetValue(number, out int index))
        {
            throw new InvariantException("client frame from nowhere", $"frame {number} was never received");
        }

        if (!delivered[(int)replica].Add(number))
        {
            throw new InvariantException("client frame twice", $"step {index} reaches the {replica} again");
        }

        Step step = ofCase.Steps[index];
        ReadOnlySpan<byte> sent = ofCase.Frame(in step);
        bool isSame = content.SequenceEqual(sent) || CompletedChecksum.IsRight(sent, content);
        if (!isSame && (replica == Side.Primary || !IsTranslation(sent, content)))
        {
            throw new InvariantException(
                "client frame changed",
                $"step {index}: {Convert.ToHexString(sent)} reaches the {replica} as {Convert.ToHexString(content)}");
        }
    }

    /// <summary>The number of frames that a replica's port has taken.</summary>
    public int Delivered(Side replica) => delivered[(int)replica].Count;

    private static bool IsTranslation(ReadOnlySpan<byte> sent, ReadOnlySpan<byte> content)
    {
        FrameParser.Parse(sent, out FrameLayout layout);
        (int from, int end) = layout.Kind switch
        {
            FrameKind.Tcp => (layout.TransportOffset + Tcp.AckOffset, layout.PayloadOffset),
            FrameKind.Icmp or FrameKind.IcmpV6 or FrameKind.Fragment
                when FrameTranslator.TryReadFlow(sent, in layout, out _) =>
                (layout.PayloadOffset, layout.PayloadOffset + layout.PayloadLength),
            _ => (0, 0),
        };
        return content.Length == sent.Length && end != 0 && content[..from].SequenceEqual(sent[..from])
            && content[end..].SequenceEqual(sent[end..]);
    }
}
