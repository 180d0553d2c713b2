// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;

namespace ColoWire.Simulation.Guests;

/// <summary>How a connection ends.</summary>
internal enum ConnectionEnd
{
    /// <summary>The guest closes, then the client.</summary>
    ServerFin,

    /// <summary>The client closes, then the guest.</summary>
    ClientFin,

    /// <summary>The guest aborts when all that it said is acknowledged.</summary>
    Reset,
}

/// <summary>In whose numbers the secondary speaks (scenarios 26, 27).</summary>
internal enum NumberMode
{
    Same,

    /// <summary>It chose an initial number of its own, and a rewriter translates everything but the SYN.</summary>
    Rewritten,

    /// <summary>It chose an initial number of its own and keeps to it.</summary>
    Relative,
}

/// <summary>What both replicas say on one connection: so much of the answer for so much of the question. Ends are stream positions.</summary>
internal sealed record TcpScript(int Flow, int Connection)
{
    public uint Isn { get; init; }

    public uint SecondaryIsn { get; init; }

    public NumberMode Numbers { get; init; }

    public uint ClientIsn { get; init; }

    public IReadOnlyList<(int QuestionEnd, int AnswerEnd)> Exchanges { get; init; } = [];

    public byte[] Answers { get; init; } = [];

    public ConnectionEnd End { get; init; }

    /// <summary>What stands in the RST, if anything (RFC 1122 section 4.2.2.12).</summary>
    public byte[] ResetText { get; init; } = [];

    /// <summary>Whether a SYN stands beside the RST, as some stacks' middleboxes send.</summary>
    public bool ResetsWithSyn { get; init; }

    /// <summary>The connection is older than the appliance: no SYN is ever seen.</summary>
    public bool IsMidStream { get; init; }

    /// <summary>Position from which on the client's window is shut for a while; 0 for never.</summary>
    public int WindowShutAt { get; init; }

    /// <summary>The client's last byte but for its FIN.</summary>
    public int QuestionsEnd => Exchanges.Count == 0 ? 1 : Exchanges[^1].QuestionEnd;

    /// <summary>The guest's last byte but for its FIN.</summary>
    public int AnswersEnd => 1 + Answers.Length;

    /// <summary>How much the guest may say when it has heard so much.</summary>
    public int AnswerEnd(int heard)
    {
        int end = 1;
        foreach ((int questionEnd, int answerEnd) in Exchanges)
        {
            if (questionEnd > heard)
            {
                break;
            }

            end = answerEnd;
        }

        return end;
    }

    public static TcpScript Draw(Random random, int flow, int connection, bool isMidStream)
    {
        List<(int, int)> exchanges = [];
        int questionEnd = 1;
        int answerEnd = 1;
        for (int i = random.Next(1, 6); i > 0; i--)
        {
            questionEnd += random.Next(1, 3000);
            answerEnd += random.Next(4) == 0 ? random.Next(1, 40_000) : random.Next(1, 3000);
            exchanges.Add((questionEnd, answerEnd));
        }

        byte[] answers = new byte[answerEnd - 1];
        random.NextBytes(answers);
        byte[] resetText = new byte[random.Next(3) == 0 ? random.Next(1, 60) : 0];
        random.NextBytes(resetText);
        NumberMode numbers = isMidStream || random.Next(2) == 0 ? NumberMode.Same : (NumberMode)random.Next(3);
        return new TcpScript(flow, connection)
        {
            ResetText = resetText,
            ResetsWithSyn = numbers == NumberMode.Same && random.Next(8) == 0,
            // One in four wraps soon.
            Isn = random.Next(4) == 0 ? 0 - (uint)random.Next(20_000) : (uint)random.NextInt64(1L << 32),
            SecondaryIsn = (uint)random.NextInt64(1L << 32),
            Numbers = numbers,
            ClientIsn = random.Next(4) == 0 ? 0 - (uint)random.Next(5000) : (uint)random.NextInt64(1L << 32),
            Exchanges = exchanges,
            Answers = answers,
            End = (ConnectionEnd)random.Next(3),
            IsMidStream = isMidStream,
            WindowShutAt = random.Next(5) == 0 ? random.Next(1, answerEnd) : 0,
        };
    }
}
