// SPDX-License-Identifier: GPL-2.0-or-later

using System.Linq;
using ColoWire.Engine;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Pipelines;
using ColoWire.Simulation.Guests;
using ColoWire.Simulation.World;

namespace ColoWire.Simulation.Judging;

/// <content>Checks what passes between the clients and the replicas, where their frames pass the appliance.</content>
internal sealed partial class Oracle
{
    private readonly WorldStreams worldStreams = new();
    private readonly long[] missed = new long[2];
    private long untranslated;

    /// <summary>The judge of clients' frames; null where they do not pass the appliance.</summary>
    public InboundJudge? Inbound { get; private set; }

    /// <summary>Watches the frames of clients, too.</summary>
    public void HearClients(Population population)
    {
        Inbound = new InboundJudge(
            options, scheduler, population, IsDoubtful, frame => NoteHarm(frame.Flow), NoteApart, NoteUntranslated);
        population.WasReset += NoteReset;
        population.Aborted += (flow, connection) => ((StreamJudge)judges[flow]).NoteAborted(connection);
        if (IsCramped)
        {
            // Flows are evicted, and with them what is known of their numbers.
            Inbound.NoteDoubt();
        }
    }

    /// <summary>The appliance receives a frame of a client.</summary>
    public void CaptureClient(SentFrame frame)
    {
        log.Add("captured", frame);
        Inbound!.Capture(frame);
        (judges[frame.Flow] as StreamJudge)?.HearClient(frame);
    }

    /// <summary>The appliance gives a replica a frame of a client.</summary>
    /// <returns>The frame as the replica receives it.</returns>
    public SentFrame Deliver(Side side, byte[] bytes)
    {
        SentFrame frame = Inbound!.Deliver(side, bytes);
        log.Add(side == Side.Primary ? "to P" : "to S", frame);
        (judges[frame.Flow] as StreamJudge)?.NoteGiven(side, frame, scheduler.NowNs);
        return frame;
    }

    /// <summary>The hypervisor copies the primary. The oracle hears of the end of the checkpoint later
    /// (<see cref="NoteCopied"/>).</summary>
    public void NoteCopy()
    {
        foreach (FlowJudge judge in judges)
        {
            judge.IsApart = false;
        }

        Inbound?.NoteCopied();
    }

    private void NoteApart(SentFrame frame)
    {
        NoteHarm(frame.Flow);
        judges[frame.Flow].IsApart = true;
    }

    /// <summary>Until a checkpoint the flow is not compared, and its frames leave unverified (R17).</summary>
    private void NoteUntranslated(SentFrame frame)
    {
        if (!judges[frame.Flow].IsUntranslated)
        {
            log.Add("untranslated", frame.Flow);
            judges[frame.Flow].IsUntranslated = true;
            judges[frame.Flow].IsHarmed = true;
        }
    }

    private static long MissedBy(Side side, InboundDuties duties) =>
        side == Side.Primary ? duties.ToPrimary.Missed : duties.ToSecondary.Missed;

    private void NoteReset(Side side, int flow, int connection)
    {
        log.Add($"reset {side}", flow, connection);
        ((StreamJudge)judges[flow]).NoteReset(side, connection, scheduler.NowNs);
    }

    /// <summary>Whether the appliance need not know the numbers of a connection: the secondary's frames of a flow that has
    /// diverged are not compared, and a connection that the client has ended is not followed.</summary>
    private bool IsDoubtful(SentFrame frame)
    {
        StreamJudge judge = (StreamJudge)judges[frame.Flow];
        return judge.IsReported || judge.IsHarmed || judge.IsLate || judge.IsAborted(frame.Connection);
    }

    /// <summary>A port that has not taken frames in time has made the replicas differ.</summary>
    private void LookAtMisses()
    {
        if (Inbound is null)
        {
            return;
        }

        foreach (Side side in (Side[])[Side.Primary, Side.Secondary])
        {
            long now = MissedBy(side, path.Pipelines[0].Inbound!);
            if (now != missed[(int)side])
            {
                missed[(int)side] = now;
                Inbound.Hearing.NoteMissed(side);
            }
        }

        long lost = CountOf(InboundCount.MirrorLoss);
        if (lost != untranslated)
        {
            untranslated = lost;
            Inbound.NoteUntranslated();
        }
    }

    private long CountOf(InboundCount count) => path.Shards.Sum(shard => shard.Inbound!.All[(int)count]);

    /// <summary>What a client's RST has ended leaves soon (R13).</summary>
    private void CheckEnded(int flow, FlowJudge judge)
    {
        if (judge.EndedNs is not { } endedNs || judge.OldestHeld is not { } frame)
        {
            return;
        }

        long sinceNs = new[] { endedNs, frame.AtNs, settledNs, output.CloggedNs, lastLeftNs[flow] }.Max();
        if (scheduler.NowNs - sinceNs > options.ReactionNs)
        {
            throw Broken("R13 release", flow, $"the client has reset the connection, and {frame.Sent} is still held");
        }
    }

    /// <summary>What a client's RST has ended is no divergence (R13).</summary>
    private void CheckNotEnded(int flow, FlowJudge judge, in CheckpointReport report)
    {
        if (!IsCramped && judge.EndedNs is { } endedNs && report.AtNs > endedNs + options.ReactionNs)
        {
            throw Broken(
                "R13 no divergence", flow, $"reported for {ReasonOf(in report)} after the client has reset the connection");
        }
    }

    private void JudgeInboundEnd()
    {
        if (Inbound is not null)
        {
            InboundDuties duties = path.Pipelines[0].Inbound!;
            long onlyPrimary = CountOf(InboundCount.NoSlot) + CountOf(InboundCount.MirrorLoss);
            Inbound.JudgeEnd(duties.ToPrimary.Missed, duties.ToSecondary.Missed + onlyPrimary);
        }
    }
}
