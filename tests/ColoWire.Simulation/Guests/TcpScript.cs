// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using ColoWire.Simulation.World;

namespace ColoWire.Simulation.Guests;

/// <summary>How a connection ends.</summary>
internal enum ConnectionEnd
{
    /// <summary>The guest closes, then the client.</summary>
    ServerFin,

    /// <summary>The client closes, then the guest.</summary>
    ClientFin,

    /// <summary>The guest sends a RST when all its bytes are acknowledged.</summary>
    Reset,

    /// <summary>The client aborts at any time (scenario 106). Only where clients' frames pass the appliance.</summary>
    ClientReset,
}

/// <summary>The sequence numbers that the secondary uses (scenarios 26, 27).</summary>
internal enum NumberMode
{
    Same,

    /// <summary>The secondary chose an initial sequence number of its own, and a rewriter translates all segments except the
    /// SYN.</summary>
    Rewritten,

    /// <summary>The secondary chose an initial sequence number of its own and uses it in all segments.</summary>
    Relative,

    /// <summary>The same, and clients' frames pass the appliance: each replica reads the bytes of the frames that it receives, in
    /// its own numbers (R12).</summary>
    Own,
}

/// <summary>The content of one connection, the same for both replicas: requests and the length of the answer to each. Ends are
/// stream positions.</summary>
internal sealed record TcpScript(int Flow, int Connection)
{
    private const long LatestAbortNs = 1500 * Scheduler.Ms;

    public uint Isn { get; init; }

    public uint SecondaryIsn { get; init; }

    public NumberMode Numbers { get; init; }

    public uint ClientIsn { get; init; }

    public IReadOnlyList<(int QuestionEnd, int AnswerEnd)> Exchanges { get; init; } = [];

    public byte[] Answers { get; init; } = [];

    public ConnectionEnd End { get; init; }

    /// <summary>Payload of the RST, if any (RFC 1122 section 4.2.2.12).</summary>
    public byte[] ResetText { get; init; } = [];

    /// <summary>Whether the RST also has SYN set, as some middleboxes send it.</summary>
    public bool ResetsWithSyn { get; init; }

    /// <summary>The connection began before the appliance: its SYN is never captured.</summary>
    public bool IsMidStream { get; init; }

    /// <summary>Position from which on the client's window is 0 for a while; 0 for never.</summary>
    public int WindowShutAt { get; init; }

    /// <summary>Whether the guest opens the connection (scenario 105).</summary>
    public bool IsOpenedByGuest { get; init; }

    /// <summary>Whether both ends use the timestamps option (RFC 7323).</summary>
    public bool HasTimestamps { get; init; }

    /// <summary>How long after its beginning the client aborts the connection, in nanoseconds, if <see cref="End"/> says
    /// so.</summary>
    public long AbortAfterNs { get; init; }

    /// <summary>How long after the beginning a blind RST arrives, in nanoseconds (scenario 107); 0 for none.</summary>
    public long BlindResetAfterNs { get; init; }

    /// <summary>Position behind the client's last byte, without its FIN.</summary>
    public int QuestionsEnd => Exchanges.Count == 0 ? 1 : Exchanges[^1].QuestionEnd;

    /// <summary>Position behind the guest's last byte, without its FIN.</summary>
    public int AnswersEnd => 1 + Answers.Length;

    /// <summary>Position up to which the guest may send after it has received the client's bytes up to a position.</summary>
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
            // One connection in four reaches the wrap of sequence numbers soon.
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

    /// <summary>The same content where clients' frames pass the appliance.</summary>
    public TcpScript ForInbound(Random random)
    {
        uint secondaryIsn = random.Next(8) switch
        {
            0 => Isn,
            // Old numbers then lie in the window of the new ones.
            1 => Isn + (uint)random.Next(-20_000, 20_000),
            _ => (uint)random.NextInt64(1L << 32),
        };
        return this with
        {
            Numbers = NumberMode.Own,
            SecondaryIsn = IsMidStream ? Isn : secondaryIsn,
            ResetsWithSyn = false,
            End = (ConnectionEnd)random.Next(4),
            IsOpenedByGuest = !IsMidStream && random.Next(4) == 0,
            HasTimestamps = random.Next(3) != 0,
            AbortAfterNs = random.NextInt64(random.Next(2) == 0 ? LatestAbortNs : LatestAbortNs / 20),
            BlindResetAfterNs = random.Next(4) == 0 ? random.NextInt64(LatestAbortNs) : 0,
        };
    }
}
