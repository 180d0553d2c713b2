// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using ColoWire.Simulation.World;

namespace ColoWire.Simulation.Guests;

/// <content>What a client does only where its frames pass the appliance: it aborts connections, receives connections that the
/// guest opens, and sends SACK blocks and timestamps.</content>
internal sealed partial class TcpClient
{
    private bool hasAborted;
    private uint echo;

    /// <summary>Has the guest open a connection to this client.</summary>
    public Action<TcpScript>? Opens { get; init; }

    /// <summary>The client aborts a connection: from now on it sends nothing again that a replica has missed.</summary>
    public Action<TcpScript>? Aborts { get; init; }

    private void PlanResets()
    {
        if (Script.Numbers != NumberMode.Own)
        {
            return;
        }

        if (Script.End == ConnectionEnd.ClientReset)
        {
            Later(Script.AbortAfterNs, Abort, exact: true);
        }

        if (Script.BlindResetAfterNs != 0)
        {
            // Behind everything that the client will ever send, and inside of the window.
            int beside = Script.QuestionsEnd + 2 + random.Next(1, 30_000);
            Later(Script.BlindResetAfterNs, () => ResetBlindly(beside), exact: true);
        }
    }

    /// <summary>The application closes the socket while data is on the way: the client sends a RST at the end of all that it has
    /// sent, and answers what it receives afterwards with RSTs.</summary>
    private void Abort()
    {
        if (IsOver)
        {
            return;
        }

        hasAborted = true;
        Aborts?.Invoke(Script);
        if (next != 0)
        {
            Reset(Math.Max(next, unacked), random.Next(2) == 0 ? heardEnd : 0);
        }

        End();
    }

    private void ResetBlindly(int beside)
    {
        if (heardEnd != 0)
        {
            Reset(beside, 0, isBlind: true);
        }
    }

    /// <summary>Answers a segment to a closed connection (RFC 9293 section 3.10.7.1).</summary>
    private void Refuse(SentFrame frame)
    {
        if (!frame.Rst)
        {
            bool hasAck = frame.Ack != 0;
            int nothing = unchecked((int)(0 - Script.ClientIsn));
            Reset(hasAck ? frame.Ack : nothing, hasAck ? 0 : frame.End + (frame.Fin ? 1 : 0));
        }
    }

    private void Reset(int place, int ack, bool isBlind = false) =>
        send(new ClientSegment(Script, place, place, ack, false, 0) { Rst = true, IsBlind = isBlind }, false);

    private void NoteTimestamp(SentFrame frame)
    {
        if (Script.HasTimestamps && frame.Aside == 0)
        {
            WireSegment.TryRead(frame.Bytes, out WireSegment wire);
            echo = wire.Timestamp;
        }
    }

    /// <summary>The first ranges that the client has received behind a gap (RFC 2018 section 3).</summary>
    private List<(int Start, int End)>? Sacks()
    {
        if (Script.Numbers != NumberMode.Own || heardEnd == 0)
        {
            return null;
        }

        List<(int Start, int End)>? ranges = null;
        for (int at = Array.IndexOf(heard, true, heardEnd); at >= 0 && ranges?.Count is null or < 3;)
        {
            int end = Array.IndexOf(heard, false, at);
            end = end < 0 ? heard.Length : end;
            (ranges ??= []).Add((at, end));
            at = end == heard.Length ? -1 : Array.IndexOf(heard, true, end);
        }

        return ranges;
    }
}
