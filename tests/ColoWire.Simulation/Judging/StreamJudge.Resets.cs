// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Linq;
using ColoWire.Engine.Frames;
using ColoWire.Simulation.World;

namespace ColoWire.Simulation.Judging;

/// <content>
/// What clients say: a RST that the guests accept ends a connection (R13). It is exactly at the end of the contiguous bytes that
/// the appliance received of the client. Of a connection that its client has aborted otherwise nothing is demanded: the RST is
/// lost or not exact, and what only one replica has missed before is never sent again.
/// </content>
internal sealed partial class StreamJudge
{
    private int latestOpened;
    private int latestOfSecondary;
    private long resetNs = long.MinValue;

    public override long? EndedNs =>
        connections[latestOpened] is { PrimaryWasGiven: true, SecondaryWasGiven: true } connection ? connection.EndedNs : null;

    public override bool IsApartByReset(long atNs) =>
        resetNs >= atNs || connections.Skip(Math.Min(latest, latestOfSecondary))
            .Any(connection => connection.PrimaryClosed != connection.SecondaryClosed);

    public override bool IsAbandoned =>
        connections[latestOpened].IsAborted || IsOfAborted(OldestHeld) || IsOfAborted(OldestUncovered);

    /// <summary>The client aborts a connection.</summary>
    public void NoteAborted(int connection) => connections[connection].IsAborted = true;

    /// <summary>Whether a client has aborted a connection.</summary>
    public bool IsAborted(int connection) => connections[connection].IsAborted;

    /// <summary>The appliance has received a segment of the client.</summary>
    public void HearClient(SentFrame frame)
    {
        Connection connection = connections[frame.Connection];
        NoteOpening(frame);
        if (!frame.Rst)
        {
            int next = frame.Syn ? 1 : frame.Start <= connection.ClientNext ? frame.End + (frame.Fin ? 1 : 0) : 0;
            connection.ClientNext = Math.Max(connection.ClientNext, next);
            return;
        }

        if (!frame.IsBlind)
        {
            bool isExact = connection.ClientNext == 0 ? frame.Ack == 1 : frame.Start == connection.ClientNext;
            // Without a SYN of a replica the appliance may not know the flow yet.
            bool isKnown = connection.PrimarySyn || connection.Syn;
            connection.EndingReset =
                isExact && isKnown && connection.EndingReset == 0 ? frame.Number : connection.EndingReset;
        }
    }

    /// <summary>A replica is given a segment of the client.</summary>
    public void NoteGiven(Side side, SentFrame frame, long nowNs)
    {
        Connection connection = connections[frame.Connection];
        if (frame.Number == connection.EndingReset)
        {
            connection.PrimaryWasGiven |= side == Side.Primary;
            connection.SecondaryWasGiven |= side == Side.Secondary;
            connection.EndedNs = nowNs;
        }
    }

    /// <summary>A replica has accepted a RST of the client.</summary>
    public void NoteReset(Side side, int connection, long nowNs)
    {
        connections[connection].PrimaryClosed |= side == Side.Primary;
        connections[connection].SecondaryClosed |= side == Side.Secondary;
        resetNs = nowNs;
    }

    private bool IsOfAborted(CapturedFrame? frame) => frame is not null && connections[frame.Sent.Connection].IsAborted;

    /// <summary>A SYN may have bypassed the appliance: any later segment shows a new connection, too.</summary>
    private void NoteOpening(SentFrame frame) => latestOpened = Math.Max(latestOpened, frame.Connection);
}
