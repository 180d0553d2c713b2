// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Tests.Bench;
using ColoWire.Simulation.World;

namespace ColoWire.Simulation.Guests;

/// <summary>A segment of the client, in stream positions.</summary>
internal readonly record struct ClientSegment(TcpScript Script, int Start, int End, int Ack, bool Syn, int Window)
{
    public bool SaysSomething => End > Start;

    public bool Rst { get; init; }

    /// <summary>See <see cref="SentFrame.IsBlind"/>.</summary>
    public bool IsBlind { get; init; }

    /// <summary>The timestamp of the guest that it echoes (RFC 7323 section 3.2); 0 for none.</summary>
    public uint Echo { get; init; }

    /// <summary>Ranges behind <see cref="Ack"/> that the client has received (RFC 2018), at most three; null for
    /// none.</summary>
    public IReadOnlyList<(int Start, int End)>? Sacks { get; init; }
}

/// <summary>
/// One replica's end of a TCP flow: accepts bytes in order, sends the answers of the script, with segments, delays and
/// acknowledgments of its own, and retransmits what the client has not acknowledged.
/// </summary>
internal sealed partial class TcpSpeaker(Guest guest, FlowIdentity flow) : ISpeaker
{
    private const long FirstRetryNs = 200 * Scheduler.Ms;
    private const long LongestRetryNs = 500 * Scheduler.Ms;
    private const long ProbeNs = 100 * Scheduler.Ms;

    private TcpState tcp = new() { Connection = -1 };

    public FlowIdentity Flow => flow;

    public void CopyFrom(ISpeaker other) => tcp = ((TcpSpeaker)other).tcp;

    public void Wake() => guest.WakeAt(this, tcp.NextNs);

    /// <summary>Makes this replica differ from now on.</summary>
    /// <returns>Whether anything is left to send that can differ.</returns>
    public bool Harm(HarmKind kind, Random random)
    {
        if (tcp.Script is null || tcp.IsReset || tcp.Most >= tcp.Script.AnswersEnd || tcp.Most == 0)
        {
            return false;
        }

        int at = random.Next(tcp.Most, tcp.Script.AnswersEnd);
        switch (kind)
        {
            case HarmKind.OtherBytes:
                tcp.Answers = [.. tcp.Answers];
                tcp.Answers[at - 1] ^= (byte)random.Next(1, 256);
                return true;
            case HarmKind.Missing:
                tcp.FinAt = at;
                return true;
            case HarmKind.Additional:
                tcp.ResetAt = at;
                return true;
            case HarmKind.Silence:
            default:
                tcp.IsSilent = true;
                return true;
        }
    }

    public void Hear(in ClientSegment segment)
    {
        if (segment.Script.Connection > tcp.Connection && (segment.Syn || segment.Script.IsMidStream))
        {
            Begin(segment.Script);
        }

        if (segment.Script.Connection != tcp.Connection || tcp.IsSilent)
        {
            return;
        }

        if (tcp.IsReset)
        {
            Emit(tcp.Next, 0, rst: true);
            return;
        }

        HearAck(segment);
        if (segment.SaysSomething && segment.Start <= tcp.Heard && segment.End > tcp.Heard)
        {
            tcp.Heard = segment.End;
            AcknowledgeWithin(guest.Random.NextInt64(40 * Scheduler.Ms));
            SendWithin(guest.Pace());
        }
        else if (segment.SaysSomething || segment.Start < tcp.Heard)
        {
            // A segment received before, one out of order, or a keepalive: it is acknowledged at once.
            AcknowledgeWithin(guest.Random.NextInt64(Scheduler.Ms));
            if (segment.Syn && tcp.Unacked == 0)
            {
                tcp.Next = 0;
                SendWithin(guest.Pace());
            }
        }

        Wake();
    }

    public void Act()
    {
        long nowNs = guest.NowNs;
        if (tcp.Script is null || tcp.IsSilent)
        {
            return;
        }

        if (tcp.RetryNs <= nowNs)
        {
            Retry(nowNs);
        }

        if (tcp.SendNs <= nowNs)
        {
            Send(nowNs);
        }

        if (tcp.AckNs <= nowNs && tcp.Next != 0 && !tcp.IsReset)
        {
            // An acknowledgment may have the form of a keepalive: the sequence number is one lower, with or without that byte
            // (scenario 25).
            bool probes = tcp.Next > 2 && tcp.Next <= tcp.FinAt && tcp.Unacked == tcp.Next && guest.Random.Next(8) == 0;
            Emit(probes ? tcp.Next - 1 : tcp.Next, probes ? guest.Random.Next(2) : 0);
        }

        Wake();
    }

    /// <summary>Whether both replicas are at the same position of the same connection, and nothing is in flight.</summary>
    public bool IsAtRestWith(TcpSpeaker other) =>
        tcp.Script is not null && tcp.Connection == other.tcp.Connection && tcp.Next > 2 && !tcp.IsReset && !tcp.IsSilent
        && tcp.Next == tcp.Unacked && tcp.Next == tcp.Most && other.tcp.Next == tcp.Next && other.tcp.Unacked == tcp.Next
        && other.tcp.Most == tcp.Next
        && !other.tcp.IsReset && !other.tcp.IsSilent;

    /// <summary>Prepares a segment outside of the stream.</summary>
    /// <param name="number">Its number, the same for both replicas.</param>
    /// <param name="distance">Distance from the next sequence number; -1 is that of a keepalive.</param>
    /// <param name="payload">Its bytes.</param>
    public Action SayAside(int number, uint distance, byte[] payload)
    {
        int connection = tcp.Connection;
        int place = tcp.Next;
        return () =>
        {
            if (tcp.Connection == connection && !tcp.IsReset && !tcp.IsSilent)
            {
                EmitAside(number, place, distance, payload);
            }
            else
            {
                guest.NoteHarm(flow);
            }
        };
    }

    private void EmitAside(int number, int place, uint distance, byte[] payload)
    {
        Segment segment = new(tcp.Isn + (uint)place + distance, payload)
        {
            SourcePort = 80,
            DestinationPort = 40_000,
            Ack = tcp.Script!.ClientIsn + (uint)tcp.Heard,
            Window = (ushort)(guest.Dresser.Word() | 1),
            Checksum = guest.Dresser.Word(),
        };
        guest.Send(SentKind.Segment, flow, guest.Dresser.Dress(segment, flow).Bytes(), frame => frame with
        {
            Connection = tcp.Connection,
            Start = place,
            Ack = tcp.Heard,
            Aside = number,
            IsKeepalive = distance == uint.MaxValue,
        });
    }

    private void Begin(TcpScript script)
    {
        bool isOwn = guest.Side == Side.Secondary;
        int at = script.IsMidStream ? 1 : 0;
        tcp = new TcpState
        {
            Script = script,
            Connection = script.Connection,
            Answers = script.Answers,
            FinAt = script.AnswersEnd,
            ResetAt = int.MaxValue,
            Isn = isOwn && (script.Numbers is NumberMode.Relative or NumberMode.Own) ? script.SecondaryIsn : script.Isn,
            SynIsn = isOwn && script.Numbers != NumberMode.Same ? script.SecondaryIsn : script.Isn,
            Heard = at,
            Unacked = at,
            Next = at,
            Most = at,
            Window = 65_535,
            RetryAfterNs = FirstRetryNs,
            SendNs = Scheduler.Never,
            AckNs = Scheduler.Never,
            RetryNs = Scheduler.Never,
        };
    }

    private void HearAck(in ClientSegment segment)
    {
        // The client receives only the primary's frames and may acknowledge more than this replica has sent: the replica applies
        // the part up to its own position, and the rest when it reaches that position.
        tcp.ClientAck = Math.Max(tcp.ClientAck, segment.Ack);
        int ack = Math.Min(segment.Ack, tcp.Most);
        bool opens = tcp.Window == 0 && segment.Window != 0;
        tcp.Window = segment.Window;
        if (ack > tcp.Unacked)
        {
            tcp.Unacked = ack;
            tcp.Next = Math.Max(tcp.Next, ack);
            tcp.RetryAfterNs = FirstRetryNs;
            tcp.RetryNs = tcp.Unacked < tcp.Most ? guest.NowNs + tcp.RetryAfterNs : Scheduler.Never;
        }

        if (ack == segment.Ack || opens)
        {
            SendWithin(guest.Pace());
        }
    }

    private void Retry(long nowNs)
    {
        tcp.RetryNs = Scheduler.Never;
        if (tcp.Unacked < tcp.Most)
        {
            tcp.Next = tcp.Unacked;
            tcp.RetryAfterNs = Math.Min(LongestRetryNs, 2 * tcp.RetryAfterNs);
            tcp.RetryNs = nowNs + tcp.RetryAfterNs;
            tcp.SendNs = nowNs;
        }
    }

    private void Send(long nowNs)
    {
        tcp.SendNs = Scheduler.Never;
        if (tcp.IsReset)
        {
            return;
        }

        TcpScript script = tcp.Script!;
        int limit = Math.Min(Math.Min(script.AnswerEnd(tcp.Heard), tcp.FinAt), tcp.Unacked + Math.Max(1, tcp.Window));
        if (tcp.Next == 0)
        {
            Emit(0, 0, syn: true);
        }
        else if (tcp.Next >= tcp.ResetAt || IsToAbort(script))
        {
            tcp.IsReset = true;
            Emit(tcp.Next, 0, rst: true);
        }
        else if (tcp.Next < limit)
        {
            int count = Math.Min(Math.Min(limit, tcp.ResetAt) - tcp.Next, guest.PieceLength());
            Emit(tcp.Next, count, fin: tcp.Next + count == tcp.FinAt && IsToClose(script) && guest.Random.Next(2) == 0);
            tcp.SendNs = nowNs + (tcp.Window == 0 ? ProbeNs : guest.Pace());
        }
        else if (tcp.Next == tcp.FinAt && IsToClose(script))
        {
            Emit(tcp.Next, 0, fin: true);
        }
    }

    private bool IsToClose(TcpScript script) =>
        tcp.FinAt < script.AnswersEnd
        || (script.End == ConnectionEnd.ServerFin && tcp.Heard >= script.QuestionsEnd)
        || (script.End == ConnectionEnd.ClientFin && tcp.Heard > script.QuestionsEnd);

    private bool IsToAbort(TcpScript script) =>
        script.End == ConnectionEnd.Reset && tcp.FinAt == script.AnswersEnd && tcp.Unacked == script.AnswersEnd
        && tcp.Heard >= script.QuestionsEnd;

    private void Emit(int start, int count, bool syn = false, bool fin = false, bool rst = false)
    {
        byte[] payload = count == 0 ? [] : tcp.Answers[(start - 1)..(start - 1 + count)];
        // A RST is a harm of one side only when the script has none.
        bool isScripted = rst && tcp.Script!.End == ConnectionEnd.Reset;
        byte[] text = isScripted ? tcp.Script!.ResetText : payload;
        Segment segment = new((syn ? tcp.SynIsn : tcp.Isn) + (uint)start, text)
        {
            SourcePort = 80,
            DestinationPort = 40_000,
            Ack = tcp.Script!.ClientIsn + (uint)tcp.Heard,
            HasAck = tcp.Heard != 0,
            Syn = syn || (isScripted && tcp.Script.ResetsWithSyn),
            Fin = fin,
            Rst = rst,
            Psh = guest.Dresser.Coin(),
            Window = (ushort)(guest.Dresser.Word() | 1),
            Checksum = guest.Dresser.Word(),
            Options = tcp.Script.Numbers == NumberMode.Own ? OwnOptions(syn) : guest.Dresser.TcpOptions(),
        };
        guest.Send(SentKind.Segment, flow, guest.Dresser.Dress(segment, flow).Bytes(), frame => frame with
        {
            Connection = tcp.Connection,
            Start = syn ? 1 : start,
            Ack = tcp.Heard,
            Syn = syn,
            Fin = fin,
            Rst = rst,
            Payload = payload,
        });
        tcp.AckNs = Scheduler.Never;
        int next = start + count + (syn || fin ? 1 : 0);
        tcp.Next = Math.Max(tcp.Next, next);
        tcp.Most = Math.Max(tcp.Most, tcp.Next);
        tcp.Unacked = Math.Max(tcp.Unacked, Math.Min(tcp.ClientAck, tcp.Most));
        if (tcp.Unacked < tcp.Most && tcp.RetryNs == Scheduler.Never)
        {
            tcp.RetryNs = guest.NowNs + tcp.RetryAfterNs;
        }
    }

    private void AcknowledgeWithin(long delayNs) => tcp.AckNs = Math.Min(tcp.AckNs, guest.NowNs + delayNs);

    private void SendWithin(long delayNs) => tcp.SendNs = Math.Min(tcp.SendNs, guest.NowNs + delayNs);

    /// <summary>The state that a checkpoint copies.</summary>
    private struct TcpState
    {
        public TcpScript? Script;
        public int Connection;
        public byte[] Answers;
        public int FinAt;
        public int ResetAt;
        public uint Isn;
        public uint SynIsn;
        public int Heard;
        public int Unacked;
        public int ClientAck;
        public int Next;
        public int Most;
        public int Window;
        public bool IsReset;
        public bool IsSilent;
        public uint Echo;
        public uint FirstTimestamp;
        public long RetryAfterNs;
        public long SendNs;
        public long AckNs;
        public long RetryNs;

        public readonly long NextNs =>
            Script is null ? Scheduler.Never : Math.Min(SendNs, Math.Min(Next == 0 ? Scheduler.Never : AckNs, RetryNs));
    }
}
