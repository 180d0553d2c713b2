// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using ColoWire.Engine;
using ColoWire.Simulation.Guests;
using ColoWire.Simulation.World;

namespace ColoWire.Simulation.Judging;

/// <summary>A TCP flow (R2): for each of its connections a byte map, SYN, FIN, RST and the greatest acknowledgment
/// number.</summary>
internal sealed partial class StreamJudge(IReadOnlyList<TcpScript> scripts, bool demandsControl) : FlowJudge
{
    private readonly Connection[] connections = [.. scripts.Select(s => new Connection(s))];
    private readonly LinkedList<(Connection Of, int Start, int End, SentFrame Sent, long AtNs)> ahead = new();
    private int latest;
    private int unexpected;
    private bool isAstray;

    public override long? SecondaryWaitsSinceNs
    {
        get
        {
            while (ahead.First is { } first
                && (first.Value.AtNs < StragglersUntilNs
                    || IsAnswered(first.Value.Of, first.Value.Start, first.Value.End, first.Value.Sent)))
            {
                ahead.RemoveFirst();
            }

            return ahead.First?.Value.AtNs;
        }
    }

    protected override bool IsAstray => isAstray;

    public override bool Leave(CapturedFrame frame)
    {
        Connection connection = connections[frame.Sent.Connection];
        for (int i = frame.Sent.Start; i < frame.Sent.End; i++)
        {
            connection.HasLeft[i] = true;
        }

        return base.Leave(frame);
    }

    /// <summary>Bytes that a policy released once (and counted) may leave again; a new acknowledgment, SYN, FIN or RST may
    /// not.</summary>
    public override bool Repeats(SentFrame frame)
    {
        Connection connection = connections[frame.Connection];
        if (frame.Aside != 0 || connection.IsAborted)
        {
            // A client that has aborted answers with a RST. A segment outside of the stream has a position that was already
            // received, or that is farther away than any window reaches: a client ignores it.
            return true;
        }

        bool isOnlyBytes = frame.End > frame.Start && !frame.Syn && !frame.Fin && !frame.Rst && frame.Ack <= connection.Ack;
        return isOnlyBytes && connection.HasLeft.AsSpan(frame.Start, frame.End - frame.Start).IndexOf(false) < 0;
    }

    public override bool MayBeForgotten(SentFrame frame)
    {
        Connection connection = connections[frame.Connection];
        return frame.Connection < latest || connection.IsAborted || frame.Start < connection.ForgottenEnd
            || frame.Ack <= connection.ForgottenAck;
    }

    public override void Forget()
    {
        foreach (Connection connection in connections)
        {
            connection.ForgottenEnd = Math.Max(connection.PrimaryEnd, connection.SecondaryEnd);
            connection.ForgottenAck = connection.PrimaryAck;
            connection.IsUnheard = true;
        }
    }

    protected override IEnumerable<CapturedFrame> TakePrimary(CapturedFrame frame)
    {
        SentFrame sent = frame.Sent;
        Connection connection = connections[sent.Connection];
        for (int i = sent.Start; i < sent.End; i++)
        {
            connection.PrimarySaid[i] = true;
        }

        if (sent.Aside != 0)
        {
            connection.PrimaryAside.Add(sent.Aside);
        }

        NotePosition(sent);
        NoteOpening(sent);
        connection.PrimarySyn |= sent.Syn;
        latest = sent.Syn ? Math.Max(latest, sent.Connection) : latest;
        connection.PrimaryRst |= sent.Rst;
        connection.PrimaryAck = Math.Max(connection.PrimaryAck, sent.Ack);
        connection.PrimaryEnd = Math.Max(connection.PrimaryEnd, sent.End + (sent.Fin ? 1 : 0));
        connection.PrimaryFin |= sent.Fin;
        return [frame];
    }

    protected override void TakeSecondary(SentFrame frame, long nowNs)
    {
        Connection connection = connections[frame.Connection];
        // A secondary that has missed a RST still sends on an older connection than the primary.
        latestOfSecondary = frame.Connection;
        NoteOpening(frame);
        if (frame.Aside != 0)
        {
            connection.Aside.Add(frame.Aside);
        }

        if (connection.IsUnheard)
        {
            connection.IsUnheard = false;
            connection.ForgottenEnd = Math.Max(connection.ForgottenEnd, frame.Start);
        }

        connection.SecondaryEnd = Math.Max(connection.SecondaryEnd, frame.End);
        connection.Syn |= frame.Syn;
        connection.Rst |= frame.Rst;
        connection.Ack = Math.Max(connection.Ack, frame.Ack);
        if (frame.Fin)
        {
            connection.Fins.Add(frame.End);
        }

        for (int i = frame.Start; i < frame.End; i++)
        {
            // The first copy of a byte is compared (scenario 12).
            if (!connection.IsSaid[i])
            {
                connection.IsSaid[i] = true;
                connection.Said[i] = frame.Payload[i - frame.Start];
            }
        }

        if (!IsAnswered(connection, frame.Start, frame.End, frame))
        {
            ahead.AddLast((connection, frame.Start, frame.End, frame, nowNs));
        }
    }

    protected override bool IsCovered(CapturedFrame frame)
    {
        SentFrame sent = frame.Sent;
        Connection connection = connections[sent.Connection];
        if (sent.Rst)
        {
            return connection.Rst;
        }

        return !connection.MissesSyn && (sent.Aside == 0 || connection.Aside.Contains(sent.Aside))
            && (!sent.Syn || connection.Syn)
            && (!sent.Fin || connection.SharedEnd > sent.End || connection.Fins.Contains(sent.End))
            && sent.Ack <= connection.Ack
            && HasAllBytes(connection, sent);
    }

    protected override void Share()
    {
        ahead.Clear();
        unexpected = 0;
        foreach (Connection connection in connections)
        {
            connection.IsShared = true;
            connection.SharedEnd = connection.PrimaryEnd;
            connection.Ack = connection.PrimaryAck;
            connection.Syn = connection.PrimarySyn;
            connection.Rst = connection.PrimaryRst;
            connection.SecondaryClosed = connection.PrimaryClosed;
            connection.Aside.UnionWith(connection.PrimaryAside);
            connection.Fins.Clear();
            Array.Clear(connection.IsSaid);
        }
    }

    /// <summary>Follows the position of the primary in its stream as the engine sees it: of segments that are far away a single
    /// one changes nothing, and the second in a row moves the position (<see cref="EngineLimits.StrayBytes"/>). It takes two
    /// segments of the stream to move the position back.</summary>
    private void NotePosition(SentFrame sent)
    {
        bool isStray = sent.Aside != 0 && !sent.IsKeepalive;
        isAstray &= !sent.Syn;
        unexpected = isStray == isAstray ? 0 : unexpected + 1;
        if (unexpected == 2)
        {
            isAstray = isStray;
            unexpected = 0;
        }
    }

    private static bool HasAllBytes(Connection connection, SentFrame sent)
    {
        for (int i = sent.Start; i < sent.End; i++)
        {
            bool isAgreed =
                i < connection.SharedEnd || (connection.IsSaid[i] && connection.Said[i] == sent.Payload[i - sent.Start]);
            if (!isAgreed)
            {
                return false;
            }
        }

        return true;
    }

    private bool IsAnswered(Connection connection, int start, int end, SentFrame sent)
    {
        if (connection.IsAborted)
        {
            return true;
        }

        if (demandsControl
            && ((sent.Syn && !connection.PrimarySyn) || (sent.Rst && !connection.PrimaryRst)
                || (sent.Fin && !connection.PrimaryFin)))
        {
            return false;
        }

        for (int i = start; i < end; i++)
        {
            if (!connection.PrimarySaid[i] && i >= connection.SharedEnd)
            {
                return false;
            }
        }

        return true;
    }

    private sealed class Connection(TcpScript script)
    {
        /// <summary>Whether the replicas have numbers of their own, and the SYN that tells those of the primary was not captured:
        /// its segments have no twin yet.</summary>
        public bool MissesSyn => script is { Numbers: NumberMode.Own, IsMidStream: false } && !PrimarySyn && !IsShared;

        public bool[] IsSaid { get; } = new bool[script.AnswersEnd + 1];

        public byte[] Said { get; } = new byte[script.AnswersEnd + 1];

        public bool[] HasLeft { get; } = new bool[script.AnswersEnd + 1];

        public bool[] PrimarySaid { get; } = new bool[script.AnswersEnd + 1];

        public HashSet<int> Fins { get; } = [];

        /// <summary>Numbers of the segments outside of the stream that the secondary has sent.</summary>
        public HashSet<int> Aside { get; } = [];

        public HashSet<int> PrimaryAside { get; } = [];

        public bool Syn { get; set; }

        public bool Rst { get; set; }

        public int Ack { get; set; }

        /// <summary>The end of the contiguous bytes that the appliance has received of the client; 0 before its SYN.</summary>
        public int ClientNext { get; set; } = script.IsMidStream ? 1 : 0;

        /// <summary>Whether the client has aborted the connection.</summary>
        public bool IsAborted { get; set; }

        /// <summary>The number of the client's first RST that the guests accept; 0 for none.</summary>
        public long EndingReset { get; set; }

        /// <summary>Whether that RST was given to the primary.</summary>
        public bool PrimaryWasGiven { get; set; }

        public bool SecondaryWasGiven { get; set; }

        /// <summary>When it was given to a replica last, in nanoseconds.</summary>
        public long EndedNs { get; set; }

        /// <summary>Whether the primary has accepted a RST of the client.</summary>
        public bool PrimaryClosed { get; set; }

        public bool SecondaryClosed { get; set; }

        public bool PrimarySyn { get; set; }

        public bool PrimaryFin { get; set; }

        public bool PrimaryRst { get; set; }

        public int PrimaryAck { get; set; }

        /// <summary>Position behind all bytes that the primary has sent.</summary>
        public int PrimaryEnd { get; set; }

        /// <summary>Position behind all bytes that the secondary has sent.</summary>
        public int SecondaryEnd { get; set; }

        /// <summary>Whether the secondary has sent nothing since the appliance dropped its records. Bytes before the secondary's
        /// next segment are then unknown to the appliance.</summary>
        public bool IsUnheard { get; set; }

        /// <summary>Position up to which the appliance may have dropped its records.</summary>
        public int ForgottenEnd { get; set; }

        /// <summary>The greatest acknowledgment number of which the appliance may have dropped the record.</summary>
        public int ForgottenAck { get; set; } = -1;

        /// <summary>Whether a checkpoint has given both replicas the same numbers.</summary>
        public bool IsShared { get; set; }

        /// <summary>Position up to which all bytes count as sent by the secondary because of a checkpoint.</summary>
        public int SharedEnd { get; set; }
    }
}
