// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using ColoWire.Engine;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Pipelines;
using ColoWire.Simulation.Guests;
using ColoWire.Simulation.Judging;
using ColoWire.Simulation.World;

namespace ColoWire.Simulation;

/// <summary>The result of one world.</summary>
/// <param name="Digest">Hash of all events.</param>
/// <param name="Counted">Hash of all counters of the appliance.</param>
/// <param name="Frames">Number of captured frames.</param>
/// <param name="Flows">Number of flows of the guests.</param>
/// <param name="Connections">Number of TCP connections that ended.</param>
/// <param name="Harms">Number of differences that were made between the guests.</param>
/// <param name="Requests">Number of requested checkpoints.</param>
/// <param name="Checkpoints">Number of finished checkpoints.</param>
/// <param name="VirtualNs">Duration on the world's own clock, in nanoseconds.</param>
internal sealed record Outcome(
    ulong Digest, long Counted, long Frames, int Flows, int Connections, int Harms, long Requests, int Checkpoints,
    long VirtualNs);

/// <summary>
/// A whole appliance in a simulated world: two guests, their clients, links, a hypervisor, a clock, and an oracle that watches.
/// All events follow from the options, and the options from the seed.
/// </summary>
internal sealed partial class Simulation : IDisposable
{
    private const int MostIdleRounds = 20_000;
    private const int RoundsForCopies = 100;
    private const long LongestRestNs = 60_000 * Scheduler.Ms;

    private readonly SimulationOptions options;
    private readonly Scheduler scheduler = new();
    private readonly EventLog log;
    private readonly Random polling;
    private readonly Random luck;
    private readonly Population population;
    private readonly Oracle oracle;
    private readonly Hypervisor hypervisor;
    private readonly Link primaryLink;
    private readonly Link secondaryLink;
    private readonly SimulatedCapturePort primaryPort;
    private readonly SimulatedCapturePort secondaryPort;
    private readonly SimulatedInjectPort output;
    private readonly InboundWires? wires;
    private readonly Outages outages;
    private readonly FramePath path;
    private readonly Turn[] turns;
    private int harms;
    private int idleRounds;

    public Simulation(SimulationOptions options, TextWriter? trace = null)
    {
        this.options = options;
        log = new EventLog(scheduler, trace);
        Random random = new(options.Seed ^ 0x5EED);
        polling = new Random(random.Next());
        luck = new Random(random.Next());
        population = new Population(
            options, scheduler, random, SendPrimary, SendSecondary, SendWorld,
            flow => oracle!.NoteHarm(flow));
        oracle = new Oracle(scheduler, log, options, population.Judges());
        primaryPort = new SimulatedCapturePort("primary", polling, oracle.Capture);
        secondaryPort = new SimulatedCapturePort("secondary", polling, oracle.Capture);
        primaryLink = new Link(scheduler, log, options.PrimaryLink, new Random(random.Next()), primaryPort.Arrive);
        secondaryLink = new Link(scheduler, log, options.SecondaryLink, new Random(random.Next()), secondaryPort.Arrive);
        foreach (Link link in (Link[])[primaryLink, secondaryLink])
        {
            link.Lost += NoteHarm;
            link.Repeated += NoteHarm;
        }

        if (options.IsInbound)
        {
            oracle.HearClients(population);
            wires = new InboundWires(scheduler, log, options, polling, oracle, population);
        }

        output = new SimulatedInjectPort(scheduler, polling, options.InjectPerCall, options.InjectStallNs, Leave);
        hypervisor = new Hypervisor(
            scheduler, log, options.Hypervisor with { ReactionNs = options.ReactionNs }, new Random(random.Next()))
        {
            Pause = Pause,
            ResumePrimary = ResumePrimary,
            ResumeSecondary = population.ResumeSecondary,
            Copy = Copy,
            IsQuiet = IsQuiet,
        };
        hypervisor.Requested += _ => oracle.NoteRequest();
        hypervisor.Copied += oracle.NoteCopied;
        hypervisor.Told += oracle.NoteTold;
        hypervisor.WentAway += oracle.NoteAway;
        hypervisor.Returned += oracle.NoteReturn;
        outages = new Outages(scheduler, log, new Random(random.Next()));
        outages.Began += kind => ChangeOutage(kind, isOut: true);
        outages.Ended += kind => ChangeOutage(kind, isOut: false);
        path = new FramePath(
            options.Engine,
            [new PipelinePorts(FramePath.MakeArena(options.Engine), primaryPort, secondaryPort, output, wires?.Ports)],
            hypervisor);
        oracle.Watch(path, output);
        Pipeline pipeline = path.Pipelines[0];
        IDuty[] inbound = pipeline.Inbound is { } i ? [i.World, i.ToPrimary, i.ToSecondary] : [];
        IDuty[] duties =
            [pipeline.PrimaryCapture, pipeline.SecondaryCapture, .. path.Shards, pipeline.Egress, path.Gate, .. inbound];
        turns = Array.ConvertAll(duties, duty => new Turn(duty));
    }

    /// <summary>Runs one world to its end; a failure's message has all that is needed to repeat it.</summary>
    public static Outcome Run(SimulationOptions options, TextWriter? trace = null)
    {
        using Simulation simulation = new(options, trace);
        try
        {
            return simulation.Run();
        }
        catch (Exception failure)
        {
            throw new SimulationException(simulation.Explain(failure), failure);
        }
    }

    public void Dispose() => path.Dispose();

    private Outcome Run()
    {
        population.Start();
        PlanHarms();
        PlanAsides();
        outages.Plan(options.Outages, options.DurationNs);
        long endNs = scheduler.NowNs + options.DurationNs;
        while (scheduler.NowNs < endNs)
        {
            Round();
        }

        if (!options.StopsAbruptly)
        {
            Rest();
        }

        hypervisor.IsRetired = true;
        Stop();
        oracle.JudgeEnd();
        return new Outcome(
            log.Digest,
            Digest([.. path.Shards.SelectMany(shard => shard.Counters.ToArray()), .. PathCounters.Of(path).ToArray()]),
            oracle.Captured,
            population.Flows.Count,
            population.ConnectionsFinished,
            harms,
            path.Gate.Requests,
            hypervisor.Checkpoints,
            scheduler.NowNs);
    }

    private static long Digest(IEnumerable<long> numbers) =>
        numbers.Aggregate(17L, (digest, number) => unchecked((digest * 1_000_003) + number));

    /// <summary>Starts nothing new and runs until everything in progress has finished.</summary>
    private void Rest()
    {
        long latestNs = scheduler.NowNs + LongestRestNs;
        while (scheduler.NowNs < latestNs && !(population.IsAtRest && oracle.HoldsNothing))
        {
            Round();
        }

        bool isMended = options.IsInbound && options.Profile != Profile.Cramped && options.Hypervisor.Synchronises;
        bool mustComeToRest = isMended || (options.Profile == Profile.Clean && !options.IsObserving);
        if (mustComeToRest && !(population.IsAtRest && oracle.HoldsNothing))
        {
            throw new OracleException("3 progress", population.FirstUnfinished, "a client waits forever for both guests");
        }
    }

    private void Stop()
    {
        log.Add("stop");
        oracle.NoteStop();
        path.BeginStop();
        idleRounds = 0;
        while (!path.IsDrained)
        {
            Round();
            if (idleRounds > MostIdleRounds)
            {
                throw new OracleException("4 every slot", EventLog.NoFlow, "the path stopped and is idle, and a slot is missing");
            }
        }

        // The path counts a slot that is lent for translated copies as free, while a copy may still be on its way.
        for (int i = 0; options.IsInbound && i < RoundsForCopies * (options.MissedRounds + 1); i++)
        {
            Round();
        }
    }

    /// <summary>Advances the clock and polls some of the duties in random order, as if each had a core that is sometimes
    /// preempted.</summary>
    private void Round()
    {
        scheduler.AdvanceTo(NextRoundNs());
        polling.Shuffle(turns);
        int work = 0;
        foreach (Turn turn in turns)
        {
            turn.Missed++;
            if (turn.Missed > options.MissedRounds || polling.Next(3) != 0)
            {
                turn.Missed = 0;
                work += turn.Duty.Poll(scheduler.NowNs);
            }
        }

        idleRounds = work == 0 ? idleRounds + 1 : 0;
        oracle.Look();
    }

    private long NextRoundNs()
    {
        long soonNs = scheduler.NowNs + 1 + polling.NextInt64(options.RoundNs);
        bool isIdle = idleRounds > 4 * (options.MissedRounds + 1) && scheduler.NowNs - output.CloggedNs > Scheduler.Ms;
        if (!isIdle)
        {
            return soonNs;
        }

        // The appliance is idle: until an event outside happens, polling or not polling the duties has the same result.
        return Math.Max(soonNs, Math.Min(scheduler.NextNs, scheduler.NowNs + (5 * Scheduler.Ms)));
    }

    private void SendPrimary(SentFrame frame)
    {
        SentFrame sent = Sent(frame);
        if (outages.Now == OutageKind.Wire)
        {
            // The frame bypasses the appliance and reaches the client at once.
            SendToClients(sent);
        }
        else
        {
            primaryLink.Send(sent);
        }
    }

    private void SendSecondary(SentFrame frame)
    {
        SentFrame sent = Sent(frame);
        if (outages.Now != OutageKind.Wire)
        {
            secondaryLink.Send(sent);
        }
    }

    private SentFrame Sent(SentFrame frame)
    {
        SentFrame sent = frame with { Checkpoints = hypervisor.Checkpoints };
        log.Add("sent", sent);
        return sent;
    }

    private void Leave(FrameRef slot, byte[] bytes)
    {
        SentFrame left = oracle.Leave(slot, bytes);
        if (output.HasLink)
        {
            SendToClients(left);
        }
    }

    private void SendToClients(SentFrame frame)
    {
        if (wires is null)
        {
            population.HearFrame(frame);
        }
        else
        {
            wires.SendToClients(frame);
        }
    }

    private void SendWorld(SentFrame frame)
    {
        log.Add("sent", frame);
        wires!.Send(frame);
    }

    private void NoteHarm(SentFrame frame)
    {
        if (frame.IsSentOnce)
        {
            oracle.NoteHarm(frame.Flow);
        }
    }

    private void Copy()
    {
        population.Copy();
        oracle.NoteCopy();
    }

    private void Pause()
    {
        population.Pause();
        oracle.NotePause();
    }

    /// <summary>Resumes the primary. The secondary is resumed at the same time or some milliseconds earlier, so from then on both
    /// guests run.</summary>
    private void ResumePrimary()
    {
        population.ResumePrimary();
        oracle.NoteResume();
    }

    private void ChangeOutage(OutageKind kind, bool isOut)
    {
        oracle.NoteOutage(isOut);
        wires?.ChangeOutage(kind, isOut);
        switch (kind)
        {
            case OutageKind.SecondaryPort:
                secondaryLink.IsDown = isOut;
                secondaryPort.HasLink = !isOut;
                break;
            case OutageKind.PrimaryPort:
                primaryLink.IsDown = isOut;
                primaryPort.HasLink = !isOut;
                break;
            case OutageKind.OutputPort:
                output.HasLink = !isOut;
                break;
            case OutageKind.Wire when !isOut:
                oracle.NoteUnseen();
                path.Gate.NoteBypass();
                break;
            default:
                break;
        }
    }

    private bool IsQuiet() =>
        primaryLink.InFlight == 0 && primaryPort.Waiting == 0
        && (options.Has(Features.LateSecondary) || (secondaryLink.InFlight == 0 && secondaryPort.Waiting == 0));

    private void PlanHarms()
    {
        for (int i = 0; i < options.Harms; i++)
        {
            scheduler.After(luck.NextInt64(options.DurationNs), () =>
            {
                int? flow = population.Harm(luck);
                if (flow is not null)
                {
                    harms++;
                }
            });
        }
    }

    private void PlanAsides()
    {
        for (int i = 0; i < options.Asides; i++)
        {
            scheduler.After(
                luck.NextInt64(options.DurationNs),
                () => population.SayAside(luck, maySayStrays: options.Profile != Profile.Clean));
        }
    }

    private sealed class Turn(IDuty duty)
    {
        public IDuty Duty => duty;

        public int Missed { get; set; }
    }
}
