// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Diagnostics;
using System.Linq;
using ColoWire.Engine;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Pipelines;
using ColoWire.Engine.Shards;
using ColoWire.Fuzz.Cases;

namespace ColoWire.Fuzz.Running;

/// <summary>The result of a run of a case.</summary>
/// <param name="Failure">The failure, or null.</param>
/// <param name="Frames">Number of frames that the engine has received.</param>
/// <param name="LongestPollNs">Duration of the longest poll, in nanoseconds of the run's clock.</param>
/// <param name="PollNs">Duration of all polls, in nanoseconds.</param>
internal readonly record struct RunResult(Failure? Failure, int Frames, long LongestPollNs, long PollNs);

/// <summary>Runs one case against a whole appliance and checks the invariants of every case during the run and at its
/// end.</summary>
internal sealed class CaseRunner : IDisposable
{
    private const long Ms = 1_000_000;
    private const long StartNs = 1000 * Ms;
    private const int MostIdlePolls = 2000;
    private const int MostHealingRounds = 20_000;

    private readonly FuzzCase ofCase;
    private readonly Shape shape;
    private readonly SecondaryOutputModel? secondaryOutput;
    private readonly Ledger ledger;
    private readonly FuzzRequester requester;
    private readonly FuzzCapturePort[] primaries;
    private readonly FuzzCapturePort[] secondaries;
    private readonly FuzzInjectPort[] outputs;
    private readonly ClientLedger[] clients;
    private readonly FuzzCapturePort[] worlds;
    private readonly FuzzReplicaPort[] replicas;
    private readonly FramePath path;
    private readonly IDuty[] duties;
    private long nowNs = StartNs;
    private readonly Func<long> clockNs;
    private long longestPollNs;
    private long pollNs;
    private bool hasTakenOver;
    private bool hasObserved;

    private CaseRunner(FuzzCase ofCase, Func<long> clockNs)
    {
        this.clockNs = clockNs;
        this.ofCase = ofCase;
        shape = ofCase.Shape;
        secondaryOutput = ofCase.Promise == Promise.Spoken ? new SecondaryOutputModel() : null;
        ledger = new Ledger(ofCase, secondaryOutput);
        hasObserved = ofCase.Options.Mode == CompareMode.Observe;
        requester = new FuzzRequester(shape.Synchronises, ofCase.Options.CheckpointRetryMs * Ms) { Answers = shape.Answers };
        int[] pipelines = [.. Enumerable.Range(0, shape.Pipelines)];
        primaries = Array.ConvertAll(
            pipelines,
            pipeline => new FuzzCapturePort(ofCase, ledger, pipeline, shape.PrimaryVnetBytes)
            {
                HasHandedOver = shape.HandsOver,
            });
        secondaries = Array.ConvertAll(
            pipelines,
            pipeline => new FuzzCapturePort(ofCase, ledger, pipeline, shape.SecondaryVnetBytes)
            {
                HasHandedOver = shape.HandsOver,
            });
        outputs = Array.ConvertAll(pipelines, pipeline => new FuzzInjectPort(ledger, pipeline, shape));
        bool hasClients = ofCase.Options.Inbound == InboundMode.Mirror;
        clients = Array.ConvertAll(pipelines, _ => new ClientLedger(ofCase));
        worlds = Array.ConvertAll(
            pipelines,
            pipeline => new FuzzCapturePort(ofCase, ledger, pipeline, 0, clients[pipeline])
            {
                HasHandedOver = shape.HandsOver,
            });
        replicas = [.. pipelines.SelectMany(pipeline => (FuzzReplicaPort[])
            [new(clients[pipeline], Side.Primary, shape), new(clients[pipeline], Side.Secondary, shape)])];
        PipelinePorts[] ports = Array.ConvertAll(
            pipelines,
            pipeline =>
                new PipelinePorts(
                    FramePath.MakeArena(ofCase.Options), primaries[pipeline], secondaries[pipeline], outputs[pipeline],
                    hasClients
                        ? new InboundPorts(worlds[pipeline], replicas[2 * pipeline], replicas[(2 * pipeline) + 1]) : null));
        path = new FramePath(ofCase.Options, ports, requester);
        duties =
        [
            .. path.Pipelines.SelectMany(
                pipeline => (IDuty[])[pipeline.PrimaryCapture, pipeline.SecondaryCapture, .. pipeline.Shards, pipeline.Egress,
                    .. pipeline.Inbound is { } inbound ? [inbound.World, inbound.ToPrimary, inbound.ToSecondary]
                        : (IDuty[])[]]),
            path.Gate,
        ];
    }

    /// <summary>Runs a case.</summary>
    /// <param name="ofCase">The case.</param>
    /// <param name="clockNs">The clock that times the polls; null for the wall clock, which is cheap to read.</param>
    public static RunResult Run(FuzzCase ofCase, Func<long>? clockNs = null)
    {
        using CaseRunner runner = new(ofCase, clockNs ?? WallClockNs);
        Failure? failure = null;
        try
        {
            runner.Run();
        }
        catch (InvariantException broken)
        {
            failure = new Failure(broken.Kind, "", broken.Detail);
        }
        catch (Exception thrown)
        {
            failure = new Failure(thrown.GetType().Name, Origin(thrown), thrown.ToString());
        }

        int frames = runner.ledger.PrimariesTaken + runner.ledger.SecondariesTaken;
        return new RunResult(failure, frames, runner.longestPollNs, runner.pollNs);
    }

    public void Dispose() => path.Dispose();

    private void Run()
    {
        for (int i = 0; i < ofCase.Steps.Count; i++)
        {
            Do(i);
        }

        CheckCounters();
        if (ofCase.IsAlike)
        {
            CheckAlike();
        }

        if (shape.Heals)
        {
            Heal();
        }

        Stop();
        CheckEnd();
        CheckClients();
    }

    private void Do(int index)
    {
        Step step = ofCase.Steps[index];
        switch (step.Kind)
        {
            case StepKind.Frame:
                (step.Side == Side.Primary ? primaries : step.Side == Side.Secondary ? secondaries : worlds)[step.Pipeline]
                    .Feed(index);
                break;
            case StepKind.Poll:
                Poll();
                break;
            case StepKind.PollDuty:
                Time(duties[(int)(step.Value % duties.Length)]);
                break;
            case StepKind.Advance:
                nowNs += step.Value;
                break;
            case StepKind.OutputLimit:
                Array.ForEach(outputs, port => port.FramesPerCall = (int)step.Value);
                Array.ForEach(replicas, port => port.FramesPerCall = (int)step.Value);
                break;
            case StepKind.Event:
                Happen((Event)step.Value);
                break;
        }
    }

    private void Happen(Event happening)
    {
        switch (happening)
        {
            case Event.CheckpointCompleted:
                requester.Happen(CheckpointEvent.Completed);
                break;
            case Event.CheckpointBegan:
                requester.Happen(CheckpointEvent.Began);
                break;
            case Event.CheckpointFailed:
                requester.Happen(CheckpointEvent.Failed);
                break;
            case Event.SecondaryLost:
                requester.Happen(CheckpointEvent.SecondaryLost);
                break;
            case Event.RequesterReadiness:
                requester.SetReady(!requester.IsReady);
                break;
            case Event.SecondaryLink:
                requester.MayBeAsked();
                Array.ForEach(secondaries, port => port.HasLink = !port.HasLink);
                break;
            case Event.PrimaryLink:
                Array.ForEach(primaries, port => port.HasLink = !port.HasLink);
                break;
            case Event.OutputLink:
                Array.ForEach(outputs, port => port.HasLink = !port.HasLink);
                break;
            case Event.Absence:
                path.Gate.NoteBypass();
                break;
            case Event.OrderCheckpoint:
                path.RequestCheckpoint();
                break;
            case Event.OrderFlush:
                path.Flush();
                break;
            case Event.OrderObserve:
                SetMode(CompareMode.Observe);
                break;
            case Event.OrderLockstep:
                SetMode(CompareMode.Lockstep);
                break;
            case Event.FailOverToPrimary:
                path.FailOverTo(Side.Primary);
                break;
            default:
                hasTakenOver = true;
                path.FailOverTo(Side.Secondary);
                break;
        }
    }

    private void SetMode(CompareMode mode)
    {
        requester.MayBeAsked();
        hasObserved = true;
        path.SetMode(mode);
    }

    private int Poll()
    {
        int work = 0;
        foreach (Pipeline pipeline in path.Pipelines)
        {
            work += Time(pipeline);
        }

        work += Time(path.Gate);
        while (path.Gate.TryReadReport(out _))
        {
        }

        if (secondaryOutput is not null && secondaryOutput.Uncovered > Sum(c => Total(c.Unverified)))
        {
            throw new InvariantException("left uncovered", secondaryOutput.LastUncovered);
        }

        return work;
    }

    private int Time(IDuty duty)
    {
        long beforeNs = clockNs();
        int work = duty.Poll(nowNs);
        long tookNs = clockNs() - beforeNs;
        pollNs += tookNs;
        longestPollNs = Math.Max(longestPollNs, tookNs);
        return work;
    }

    private static long WallClockNs() => Stopwatch.GetElapsedTime(0).Ticks * TimeSpan.NanosecondsPerTick;

    private void PollUntilIdle()
    {
        int polls = 0;
        for (int idle = 0; idle < 4; polls++)
        {
            idle = Poll() == 0 ? idle + 1 : 0;
            if (polls > MostIdlePolls + (20 * ofCase.Steps.Count))
            {
                throw new InvariantException("spins", $"still busy after {polls} polls at one instant");
            }
        }
    }

    /// <summary>Both sides sent the same: no divergence may be reported, and all frames of the primary must have left.</summary>
    private void CheckAlike()
    {
        for (int i = 0; i < 40; i++)
        {
            PollUntilIdle();
            nowNs += 250 * Ms;
        }

        PollUntilIdle();
        long diverged = Sum(c => Total(c.Divergences));
        if (diverged != 0)
        {
            DivergenceReason[] reasons = [.. Enum.GetValues<DivergenceReason>().Where(r => Sum(c => c.Divergences[(int)r]) != 0)];
            throw new InvariantException($"{ofCase.Promise} and diverged: {string.Join(", ", reasons)}",
                $"{diverged} divergences, {path.Gate.Requests} requests");
        }

        if (Sum(c => c.Held) != 0)
        {
            throw new InvariantException($"{ofCase.Promise} and held", $"{Sum(c => c.Held)} frames are held for ever");
        }

        if (ledger.PrimariesLeft != ledger.PrimariesTaken - Sum(c => PrimaryDrops(c)))
        {
            throw new InvariantException(
                $"{ofCase.Promise} and not out", $"{ledger.PrimariesLeft} of {ledger.PrimariesTaken} have left");
        }
    }

    /// <summary>Repairs all faults, answers all requests and advances the clock, so that no frame has a reason to be
    /// held.</summary>
    private void Heal()
    {
        requester.SetReady(true);
        requester.Answers = true;
        Array.ForEach(outputs, port => port.FramesPerCall = int.MaxValue);
        Array.ForEach(replicas, port => port.FramesPerCall = int.MaxValue);
        foreach (FuzzCapturePort port in (FuzzCapturePort[])[.. primaries, .. secondaries])
        {
            port.HasLink = true;
        }

        PollUntilIdle();
        requester.Happen(CheckpointEvent.Completed);
        PollUntilIdle();
        requester.Happen(CheckpointEvent.Completed);
        EngineOptions options = ofCase.Options;
        long patienceNs = (options.CompareTimeoutMs + options.ExpiredScanCycleMs + options.CheckpointRetryMs + options.GraceMs
            + options.FragmentTimeoutMs + options.CheckpointIntervalMs + options.CheckpointMaxMs + 10L) * Ms;
        int idleRounds = 0;
        int progress = 0;
        for (int round = 0; round < MostHealingRounds && idleRounds < 8; round++)
        {
            PollUntilIdle();
            if (Sum(c => c.Held) == 0 && primaries.All(port => port.Waiting == 0)
                && path.Pipelines.All(l => l.PrimaryCapture.Reassembly.Waiting == 0))
            {
                return;
            }

            nowNs += patienceNs / 3;
            int now = ledger.PrimariesTaken + ledger.PrimariesLeft;
            idleRounds = now == progress ? idleRounds + 1 : 0;
            progress = now;
        }

        throw new InvariantException(
            "waits for ever",
            $"{Sum(c => c.Held)} frames held, {primaries.Sum(p => p.Waiting)} in the port, protection "
            + $"{path.Guest.Protection}, though all is well again");
    }

    private void Stop()
    {
        path.BeginStop();
        int idle = 0;
        Array.ForEach(outputs, port => port.FramesPerCall = Math.Max(1, port.FramesPerCall));
        Array.ForEach(replicas, port => port.FramesPerCall = Math.Max(1, port.FramesPerCall));
        while (!path.IsDrained)
        {
            idle = Poll() == 0 ? idle + 1 : 0;
            nowNs += 1000;
            if (idle > 200 + shape.OutputKeepsCalls)
            {
                throw new InvariantException("slot missing", "the path stopped and is idle, and not every slot was returned");
            }
        }
    }

    private void CheckCounters()
    {
        if (Sum(c => Math.Min(0, c.Held)) != 0 || Sum(c => Math.Min(0, c.SecondaryHeld)) != 0)
        {
            throw new InvariantException("counter below zero", $"held {Sum(c => c.Held)}, secondary {Sum(c => c.SecondaryHeld)}");
        }
    }

    private void CheckEnd()
    {
        if (Sum(c => Math.Abs(c.Held)) != 0 || Sum(c => Math.Abs(c.SecondaryHeld)) != 0)
        {
            throw new InvariantException("held after the end", $"held {Sum(c => c.Held)}, secondary {Sum(c => c.SecondaryHeld)}");
        }

        long dropped = Sum(PrimaryDrops);
        if (ledger.PrimariesLeft + dropped != ledger.PrimariesTaken)
        {
            throw new InvariantException(
                "lost",
                $"{ledger.PrimariesTaken} frames of the primary came, {ledger.PrimariesLeft} left, {dropped} were "
                + "dropped with a reason (R4)");
        }

        long counted = Sum(c => c.Verified + Total(c.NotCompared) + Total(c.Malformed) + Total(c.Unverified)) + dropped;
        // Frames that were released in observe mode and were not yet compared at the take-over are counted neither as verified
        // nor as unverified.
        if (counted != ledger.PrimariesTaken && !(hasTakenOver && hasObserved && counted < ledger.PrimariesTaken))
        {
            throw new InvariantException(
                "miscounted", $"{ledger.PrimariesTaken} frames of the primary came, {counted} are counted (R4)");
        }

        long released = Sum(c => c.SecondaryReleased);
        if (released != ledger.SecondariesLeft)
        {
            throw new InvariantException(
                "miscounted secondary", $"{ledger.SecondariesLeft} frames of the secondary left, {released} are counted");
        }

        long gone = Sum(c => Total(c.Drops)) - dropped + released + Sum(c => c.SecondaryRepeated);
        if (gone > ledger.SecondariesTaken)
        {
            throw new InvariantException(
                "miscounted secondary", $"{ledger.SecondariesTaken} frames of the secondary came, {gone} are counted");
        }
    }

    /// <summary>Each frame of a client that the engine has received is counted once, and is delivered, missed or
    /// dropped.</summary>
    private void CheckClients()
    {
        PathCounters counters = PathCounters.Of(path);
        long taken = clients.Sum(ledger => ledger.Taken);
        long dropped = Total(counters.InboundDrops);
        long counted = Total(counters.Inbound.All[..(int)InboundCount.BadOptions]);
        if (taken != dropped + counted)
        {
            throw new InvariantException("miscounted clients", $"{taken} received, {dropped} dropped, {counted} counted");
        }

        long toPrimary = clients.Sum(ledger => ledger.Delivered(Side.Primary)) + counters.PrimaryMissed;
        long toSecondary = clients.Sum(ledger => ledger.Delivered(Side.Secondary)) + counters.SecondaryMissed;
        long withheld = counters.Inbound[InboundCount.NoSlot] + counters.Inbound[InboundCount.MirrorLoss];
        if (toPrimary != counted || toSecondary != counted - withheld)
        {
            throw new InvariantException(
                "clients lost", $"{counted} frames: {toPrimary} for the primary, {toSecondary} for the secondary");
        }
    }

    private long Sum(Func<ShardCounters, long> counter)
    {
        long sum = 0;
        foreach (Shard shard in path.Shards)
        {
            sum += counter(shard.Counters);
        }

        return sum;
    }

    private static long PrimaryDrops(ShardCounters counters) =>
        counters.Drops[(int)DropReason.PrimaryPolicy] + counters.Drops[(int)DropReason.PrimaryFailover];

    private static long Total(ReadOnlySpan<long> counts)
    {
        long total = 0;
        foreach (long count in counts)
        {
            total += count;
        }

        return total;
    }

    /// <summary>The method of the engine that threw.</summary>
    private static string Origin(Exception thrown)
    {
        foreach (StackFrame frame in new StackTrace(thrown).GetFrames())
        {
            if (frame.GetMethod() is { DeclaringType: { Namespace: { } space } type } method
                && space.StartsWith("ColoWire.Engine", StringComparison.Ordinal))
            {
                return $"{type.Name}.{method.Name}";
            }
        }

        return "";
    }
}
