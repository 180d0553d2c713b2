// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Frames;
using ColoWire.Simulation.Guests;
using ColoWire.Simulation.World;

namespace ColoWire.Simulation.Judging;

/// <summary>
/// Clients' frames on their way to the replicas: each one that concerns the guest reaches each replica exactly once (R15), in the
/// order of its flow (R11), and in the numbers that the replica uses (R12).
/// </summary>
/// <param name="options">The options of the world.</param>
/// <param name="scheduler">The clock.</param>
/// <param name="population">The replicas, with the numbers that they use.</param>
/// <param name="isDoubtful">Whether the appliance need not know the numbers of the connection to which a frame belongs.</param>
/// <param name="noteHarm">The replicas may differ in a flow from now on.</param>
/// <param name="noteApart">A checkpoint has made the replicas differ in a flow.</param>
/// <param name="noteUntranslated">The appliance does not know the secondary's numbers in a flow.</param>
internal sealed class InboundJudge(
    SimulationOptions options, Scheduler scheduler, Population population, Func<SentFrame, bool> isDoubtful,
    Action<SentFrame> noteHarm, Action<SentFrame> noteApart, Action<SentFrame> noteUntranslated)
{
    /// <summary>The two timestamp clocks are compared when each replica sends its SYN, not at the same instant.</summary>
    private const int ClockSlackMs = 30_000;

    private const int EthernetBytes = 14;

    /// <summary>Initial sequence numbers that are nearer to each other than the bytes of a connection.</summary>
    private const int NearBytes = 1 << 19;

    private readonly Dictionary<long, Passage> passages = [];
    private readonly Dictionary<(Side Side, int Flow), long> lastOrder = [];
    private readonly int[] owed = new int[2];
    private long captures;
    private long? stoppedNs;
    private bool hasBrokenOff;
    private long doubtUntilNs = long.MinValue;
    private long guestSeenNs = Scheduler.Never;
    private bool hasLoopedUnseen;

    /// <summary>What each replica has still to read.</summary>
    public Hearing Hearing { get; } = new(noteHarm, noteApart);

    /// <summary>A frame of the primary was captured: its MAC address may be known.</summary>
    public void NoteGuestSeen(SentFrame frame) =>
        guestSeenNs = frame.Bytes.Length < EthernetBytes ? guestSeenNs : Math.Min(guestSeenNs, scheduler.NowNs);

    /// <summary>The secondary has become a copy of the primary, with its numbers. An appliance to which the requester does not
    /// report the stop may still pass frames in the old numbers (R17).</summary>
    public void NoteCopied()
    {
        Hearing.NoteCopied();
        if (!options.Hypervisor.TellsBeginning)
        {
            doubtUntilNs = Math.Max(doubtUntilNs, scheduler.NowNs + (2 * options.ReactionNs));
        }
    }

    /// <summary>The appliance reads an event of a checkpoint: from the stop to the end it gives the replicas no frame
    /// (R17).</summary>
    public void NoteTold(CheckpointEvent told)
    {
        stoppedNs = told == CheckpointEvent.Began ? scheduler.NowNs : null;
        hasBrokenOff |= told == CheckpointEvent.Failed;
    }

    /// <summary>The appliance stops: it gives the replicas what it holds, and no longer knows the numbers.</summary>
    public void NoteStop()
    {
        stoppedNs = null;
        NoteDoubt();
    }

    /// <summary>The appliance may have lost what it knew of all numbers, until a checkpoint.</summary>
    public void NoteDoubt() => doubtUntilNs = long.MaxValue;

    /// <summary>The appliance has given frames to the primary alone, because it does not know the secondary's numbers (R17): the
    /// flow is not compared until a checkpoint or a SYN.</summary>
    public void NoteUntranslated()
    {
        foreach (Passage passage in passages.Values)
        {
            if (passage.Pending(Side.Secondary).Count > passage.Pending(Side.Primary).Count)
            {
                noteUntranslated(passage.Frame);
            }
        }
    }

    /// <summary>A checkpoint has given the appliance all numbers again.</summary>
    public void EndDoubt() => doubtUntilNs = Math.Min(doubtUntilNs, scheduler.NowNs + (2 * options.ReactionNs));

    public void Capture(SentFrame frame)
    {
        if (!passages.TryGetValue(frame.Number, out Passage? passage))
        {
            passages[frame.Number] = passage = new Passage(frame, IsForeign(frame));
        }

        // A MAC address that the world uses is never learned as the guest's (R15).
        hasLoopedUnseen |= frame.Concern == Concern.UntilKnown && !IsForeign(frame)
            && frame.Bytes.AsSpan(ClientWriter.GuestMac.Length).StartsWith(ClientWriter.GuestMac);
        captures++;
        foreach (Side side in (Side[])[Side.Primary, Side.Secondary])
        {
            passage.Pending(side).Enqueue(captures);
            owed[(int)side] += frame.Concern == Concern.Both ? 1 : 0;
        }

        if (frame.Concern == Concern.Both)
        {
            Hearing.NoteCaptured(frame);
        }
    }

    /// <summary>The appliance gives a frame to a replica.</summary>
    /// <returns>The frame as the replica receives it.</returns>
    public SentFrame Deliver(Side side, byte[] bytes)
    {
        Passage? passage = null;
        if (bytes.Length <= ClientWriter.TrailerBytes || !passages.TryGetValue(ClientWriter.NumberOf(bytes), out passage))
        {
            throw new OracleException("5 nothing invented (R15)", EventLog.NoFlow, $"{side} receives what no client sent");
        }

        SentFrame frame = passage.Frame;
        if (!passage.Pending(side).TryDequeue(out long order))
        {
            throw Broken("5 exactly once (R11)", frame, $"{frame} reaches {side} twice");
        }

        owed[(int)side] -= frame.Concern == Concern.Both ? 1 : 0;
        if (stoppedNs is { } stop && scheduler.NowNs > stop + options.ReactionNs && options.Inbound!.InjectStallNs == 0)
        {
            throw Broken("R17 parked", frame, $"{frame} reaches {side} while both replicas are stopped");
        }

        if (passage.IsForeign)
        {
            throw Broken("5 to whom (R15)", frame, $"{frame} reaches {side}, which it does not concern");
        }

        CheckOrder(side, passage, order);
        if (side == Side.Primary ? !bytes.AsSpan().SequenceEqual(frame.Bytes) : !IsInNumbers(frame, bytes))
        {
            throw Broken("5 numbers (R12)", frame, $"{frame} reaches {side} {Describe(frame, bytes)}");
        }

        return frame with { Bytes = bytes };
    }

    /// <summary>The appliance has stopped and has given each replica what it had taken from the clients.</summary>
    /// <param name="missedByPrimary">Number of frames that the primary's port is counted not to have taken.</param>
    /// <param name="missedBySecondary">The same for the secondary, with the frames that found no slot for a copy.</param>
    public void JudgeEnd(long missedByPrimary, long missedBySecondary)
    {
        CheckOwed(Side.Primary, missedByPrimary);
        CheckOwed(Side.Secondary, missedBySecondary);
    }

    private void CheckOwed(Side side, long missed)
    {
        // A frame that may concern a replica is owed to it only if the appliance has decided so.
        int possible = passages.Values
            .Count(passage => passage.Frame.Concern == Concern.UntilKnown && passage.Pending(side).Count != 0);
        if (owed[(int)side] > missed || owed[(int)side] + possible < missed)
        {
            throw new OracleException(
                "5 exactly once (R11)", EventLog.NoFlow,
                $"{owed[(int)side]} frames have not reached {side}, {missed} are counted");
        }
    }


    private bool IsForeign(SentFrame frame) => frame.Concern switch
    {
        Concern.None => true,
        Concern.UntilKnown => options.Engine.GuestAddresses.Length != 0
            || (!hasLoopedUnseen && guestSeenNs != Scheduler.Never && scheduler.NowNs > guestSeenNs + options.ReactionNs),
        _ => false,
    };

    private void CheckOrder(Side side, Passage passage, long order)
    {
        SentFrame frame = passage.Frame;
        if (frame.Kind == SentKind.Passed)
        {
            // Frames that are no request belong to many flows.
            return;
        }

        // The first of two copies may be the one that a port did not take.
        long last = lastOrder.GetValueOrDefault((side, frame.Flow));
        while (order < last && passage.Pending(side).TryDequeue(out long later))
        {
            order = later;
        }

        if (order < last)
        {
            throw Broken("5 order (R11)", frame, $"{frame} reaches {side} behind a later one of its flow");
        }

        lastOrder[(side, frame.Flow)] = order;
    }

    private bool IsInNumbers(SentFrame frame, byte[] bytes)
    {
        if (frame.Packet is not { HasAck: true })
        {
            return bytes.AsSpan().SequenceEqual(frame.Bytes);
        }

        ReplicaNumbers primary = TcpSpeaker.Of(population.Primary, frame.Flow).Numbers;
        ReplicaNumbers secondary = TcpSpeaker.Of(population.Secondary, frame.Flow).Numbers;
        // After a checkpoint that broke off, the position of the secondary's next segment decides between two numbers (R17).
        bool isAmbiguous = hasBrokenOff && Math.Abs(unchecked((int)(secondary.Isn - primary.Isn))) < NearBytes;
        bool isKnown = scheduler.NowNs > doubtUntilNs && !isAmbiguous && primary.Connection == frame.Connection
            && secondary.Connection == frame.Connection && !population.ScriptOf(frame).IsMidStream && !isDoubtful(frame);
        WireSegment.TryRead(frame.Bytes, out WireSegment before);
        WireSegment.TryRead(bytes, out WireSegment after);
        uint shift = after.Ack - before.Ack;
        int clockError = unchecked((int)(after.Echo - before.Echo - (secondary.ClockOffset - primary.ClockOffset)));
        bool isRight = shift == secondary.Isn - primary.Isn
            && (before.Echo == 0 || Math.Abs((long)clockError) <= ClockSlackMs);
        // Numbers that the appliance cannot know may be wrong; they are still those of one connection, and the checksum is right.
        return (isRight || !isKnown) && bytes.AsSpan().SequenceEqual(ClientWriter.InNumbersOf(frame, shift, after.Echo));
    }

    private string Describe(SentFrame frame, byte[] bytes)
    {
        if (frame.Packet is null || !WireSegment.TryRead(bytes, out WireSegment wire))
        {
            return $"with other bytes or with a wrong checksum: {Convert.ToHexString(bytes)}";
        }

        WireSegment.TryRead(frame.Bytes, out WireSegment before);
        return $"with the acknowledgment moved by {wire.Ack - before.Ack}, the echo by {wire.Echo - before.Echo}; primary "
            + $"{TcpSpeaker.Of(population.Primary, frame.Flow).Numbers}, "
            + $"secondary {TcpSpeaker.Of(population.Secondary, frame.Flow).Numbers}";
    }

    private static OracleException Broken(string rule, SentFrame frame, string message) => new(rule, frame.Flow, message);

    /// <summary>A client's frame, and the captures of it that each replica has still to receive.</summary>
    private sealed class Passage(SentFrame frame, bool isForeign)
    {
        private readonly Queue<long> toPrimary = [];
        private readonly Queue<long> toSecondary = [];

        public SentFrame Frame => frame;

        /// <summary>Whether it concerned no replica when the appliance received it.</summary>
        public bool IsForeign => isForeign;

        public Queue<long> Pending(Side side) => side == Side.Primary ? toPrimary : toSecondary;
    }
}
