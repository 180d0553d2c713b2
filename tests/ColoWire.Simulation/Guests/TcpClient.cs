// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using ColoWire.Simulation.World;

namespace ColoWire.Simulation.Guests;

/// <summary>
/// The client's end of a TCP flow. It receives only frames that left the appliance, sends the next request when the last one is
/// answered, retransmits what is not acknowledged, and sends keepalives while the connection is idle.
/// </summary>
internal sealed partial class TcpClient(
    Scheduler scheduler, Random random, IReadOnlyList<TcpScript> scripts, Action<ClientSegment, bool> send)
{
    private const long FirstRetryNs = 250 * Scheduler.Ms;
    private const long LongestRetryNs = 500 * Scheduler.Ms;
    private const int OpenWindow = 65_535;
    private const int LargestPiece = 1460;

    private int current = -1;
    private bool[] heard = [];
    private int heardEnd;
    private int unacked;
    private int next;
    private int window = OpenWindow;
    private bool hasShut;
    private bool isPushPlanned;
    private long retryAfterNs;
    private long quietSinceNs;
    private int retry;

    private TcpScript Script => scripts[current];

    /// <summary>Number of connections that have ended.</summary>
    public int Finished { get; private set; }

    /// <summary>Whether the current connection has ended, and the next one has not begun.</summary>
    public bool IsOver { get; private set; }

    public void Start()
    {
        if (current + 1 == scripts.Count)
        {
            return;
        }

        current++;
        heard = new bool[Script.AnswersEnd + 1];
        heardEnd = Script.IsMidStream ? 1 : 0;
        heard[0] = Script.IsMidStream;
        unacked = next = Script.IsMidStream ? 1 : 0;
        window = OpenWindow;
        hasShut = IsOver = hasAborted = false;
        echo = 0;
        retryAfterNs = FirstRetryNs;
        quietSinceNs = scheduler.NowNs;
        if (Script.IsOpenedByGuest)
        {
            Opens?.Invoke(Script);
        }
        else
        {
            Push();
        }

        PlanResets();
        Nudge(current);
    }

    /// <summary>Receives a frame of the guest.</summary>
    public void Hear(SentFrame frame)
    {
        if (current < 0 || frame.Connection != current)
        {
            return;
        }

        quietSinceNs = scheduler.NowNs;
        if (hasAborted)
        {
            Refuse(frame);
            return;
        }

        NoteTimestamp(frame);
        if (frame.Rst)
        {
            End();
            return;
        }

        int before = heardEnd;
        Take(frame);
        if (frame.Ack > unacked)
        {
            unacked = frame.Ack;
            next = Math.Max(next, unacked);
            retryAfterNs = FirstRetryNs;
            PlanRetry();
        }

        if (next != 0 && (frame.Syn || frame.Fin || frame.Payload.Length != 0 || heardEnd != before))
        {
            Later(random.Next(2) == 0 ? 0 : 30 * Scheduler.Ms, () => Say(next, next));
        }

        if (!IsOver && !isPushPlanned && (next < AskEnd() || next < unacked))
        {
            isPushPlanned = true;
            Later(random.Next(3) == 0 ? 100 * Scheduler.Ms : Scheduler.Ms, Push);
        }

        if (heardEnd == Script.AnswersEnd + 1 && unacked == Script.QuestionsEnd + 1)
        {
            End();
        }
    }

    private void Take(SentFrame frame)
    {
        if (window == 0 && frame.Payload.Length != 0)
        {
            return;
        }

        heard[0] |= frame.Syn;
        for (int i = frame.Start; i < frame.End; i++)
        {
            heard[i] = true;
        }

        if (frame.Fin)
        {
            heard[frame.End] = true;
        }

        while (heardEnd < heard.Length && heard[heardEnd])
        {
            heardEnd++;
        }

        if (Script.WindowShutAt != 0 && heardEnd > Script.WindowShutAt && !hasShut)
        {
            hasShut = true;
            window = 0;
            Later(400 * Scheduler.Ms, () =>
            {
                window = OpenWindow;
                Say(next, next, mustArrive: true);
            });
        }
    }

    /// <summary>Position behind the last request that may be sent by now; the FIN is behind the last of all.</summary>
    private int AskEnd()
    {
        if (heardEnd == 0 || unacked == 0)
        {
            return 1;
        }

        foreach ((int questionEnd, int answerEnd) in Script.Exchanges)
        {
            if (heardEnd < answerEnd)
            {
                return questionEnd;
            }
        }

        bool closes = Script.End == ConnectionEnd.ClientFin
            || (Script.End == ConnectionEnd.ServerFin && heardEnd > Script.AnswersEnd);
        return Script.QuestionsEnd + (closes ? 1 : 0);
    }

    private void Push()
    {
        isPushPlanned = false;
        int end = IsOver ? next : AskEnd();
        while (next < end)
        {
            int count = next == 0 ? 1 : Math.Min(end - next, random.Next(1, LargestPiece));
            Say(next, next + count, isSyn: next == 0);
            next += count;
        }

        PlanRetry();
    }

    /// <summary>Schedules the retransmission of bytes that are not acknowledged in time (RFC 6298 section 5).</summary>
    private void PlanRetry()
    {
        int mine = ++retry;
        if (unacked == next)
        {
            return;
        }

        Later(retryAfterNs, () =>
        {
            if (mine == retry && !IsOver)
            {
                retryAfterNs = Math.Min(LongestRetryNs, 2 * retryAfterNs);
                next = unacked;
                Push();
            }
        }, exact: true);
    }

    /// <summary>Sends keepalives (RFC 1122 section 4.2.3.6) far more often than real stacks do, so that a lost acknowledgment
    /// does not decide the run.</summary>
    private void Nudge(int connection)
    {
        Later(300 * Scheduler.Ms, () =>
        {
            if (connection != current || IsOver)
            {
                return;
            }

            if (scheduler.NowNs - quietSinceNs > 250 * Scheduler.Ms && unacked != 0 && unacked == next)
            {
                Say(next - 1, next - 1);
            }

            Nudge(connection);
        }, exact: true);
    }

    private void End()
    {
        if (!IsOver)
        {
            IsOver = true;
            Finished++;
            // The pause is longer than any frame of this connection is in flight, so that the ports may be used again.
            Later((1500 * Scheduler.Ms) + random.NextInt64(500 * Scheduler.Ms), Start, exact: true);
        }
    }

    private void Say(int start, int end, bool isSyn = false, bool mustArrive = false) =>
        send(new ClientSegment(Script, start, end, heardEnd, isSyn, window) { Echo = echo, Sacks = Sacks() }, mustArrive);

    private void Later(long longestNs, Action what, bool exact = false)
    {
        int connection = current;
        scheduler.After(exact ? longestNs : random.NextInt64(longestNs + 1), () =>
        {
            if (connection == current)
            {
                what();
            }
        });
    }
}
