// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using ColoWire.Engine;
using ColoWire.Engine.Checkpoint;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Pipelines;
using ColoWire.Hosting;
using ColoWire.Reports;
using ColoWire.Services;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace ColoWire.Control;

/// <summary>Carries out orders on a running appliance and reports the outcome. It sets what the duties read and reads their
/// counters; no duty waits for it.</summary>
internal sealed class ApplianceControl(Appliance appliance, ILogger<ApplianceControl> log, TimeProvider time) : IDisposable
{
    /// <summary>How long an order waits for its checkpoint: enough for several requests and for a guest with much
    /// memory.</summary>
    public static readonly TimeSpan CheckpointPatience = TimeSpan.FromSeconds(10);

    /// <summary>How long the duties may take to see an order. Each of them looks every millisecond.</summary>
    private static readonly TimeSpan OrderPatience = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(1);

    /// <summary>After so many rounds a thread has seen an order: the first of them may have begun before it.</summary>
    private const int SeeingRounds = 2;

    // The effect of an order is the change of counters, so only one order is carried out at a time. An order that waits for a
    // checkpoint does not block others.
    private readonly SemaphoreSlim turn = new(1);

    private bool IsAlone => appliance.Path.Guest.Protection is Protection.PrimaryAlone or Protection.SecondaryAlone;

    /// <summary>Carries out an order.</summary>
    /// <param name="order">Any order but <c>status</c>.</param>
    /// <param name="cancellation">Cancelled when the client has gone or the server stops.</param>
    /// <exception cref="OperationCanceledException">The client has gone or the server stops.</exception>
    public async Task<ControlAnswer> CarryOutAsync(ControlOrder order, CancellationToken cancellation)
    {
        log.LogOrder(order.Words);
        ControlAnswer answer = order.Kind == OrderKind.Checkpoint
            ? await CheckpointAsync(cancellation)
            : await InTurnAsync(order.Kind, cancellation);
        log.LogOutcome(order.Words, answer.Text);
        return answer;
    }

    /// <summary>No order may be carried out any more.</summary>
    public void Dispose() => turn.Dispose();

    private async Task<ControlAnswer> InTurnAsync(OrderKind kind, CancellationToken cancellation)
    {
        await turn.WaitAsync(cancellation);
        try
        {
            return kind switch
            {
                OrderKind.FailoverPrimary => await FailOverAsync(Side.Primary),
                OrderKind.FailoverSecondary => await FailOverAsync(Side.Secondary),
                OrderKind.ModeObserve => await SetModeAsync(CompareMode.Observe),
                OrderKind.ModeLockstep => await SetModeAsync(CompareMode.Lockstep),
                OrderKind.Flush => await FlushAsync(),
                _ => throw new ArgumentOutOfRangeException(nameof(kind)),
            };
        }
        finally
        {
            turn.Release();
        }
    }

    private async Task<ControlAnswer> CheckpointAsync(CancellationToken cancellation)
    {
        if (!appliance.Requester.Synchronises)
        {
            return Conflict($"the requester is {appliance.Options.Requester}: nobody makes checkpoints (option requester)");
        }

        long start = time.GetTimestamp();
        // The path may be replaced after a failure; the gate of the new one goes on counting from the same number.
        long before = appliance.Path.Gate.Completed;
        // When no checkpoint can be requested, the gate ignores it.
        appliance.Path.RequestCheckpoint();
        while (appliance.Path.Gate.Completed == before)
        {
            // Checked in each turn: after another order no checkpoint is requested any more.
            if (IsAlone)
            {
                return Conflict(AloneText());
            }

            if (appliance.Path.Guest.Mode == CompareMode.Observe)
            {
                return Conflict("the mode is observe, in which no checkpoint is asked for: colowire ctl mode lockstep");
            }

            if (time.GetElapsedTime(start) > CheckpointPatience)
            {
                return ControlAnswer.Refused(StatusCodes.Status408RequestTimeout,
                    $"no checkpoint has finished within {CheckpointPatience.TotalSeconds} s; it stays asked for "
                    + $"(requester {appliance.Options.Requester}, protection "
                    + $"{CounterNames.Of(appliance.Path.Guest.Protection)})");
            }

            await Task.Delay(LookInterval, time, cancellation);
        }

        long tookNs = time.GetElapsedTime(start).Ticks * TimeSpan.NanosecondsPerTick;
        return ControlAnswer.Done(
            new FinishedCheckpointReport(
                $"a checkpoint has finished after {DurationText.Of(tookNs)}", appliance.Path.Guest.Epoch, tookNs),
            ReportJson.Default.FinishedCheckpointReport);
    }

    private async Task<ControlAnswer> FailOverAsync(Side side)
    {
        Protection wanted = side == Side.Primary ? Protection.PrimaryAlone : Protection.SecondaryAlone;
        Tally before = Tally.Of(appliance);
        if (IsAlone && appliance.Path.Guest.Protection != wanted)
        {
            return Conflict(AloneText());
        }

        bool isNews = appliance.Path.Guest.Protection != wanted;
        appliance.Path.FailOverTo(side);
        if (!await SeenAsync())
        {
            return NotSeen();
        }

        Tally change = isNews ? Tally.Of(appliance) - before : default;
        string frames = side == Side.Primary
            ? $"{change.Unverified} frames were let out unverified"
            : $"{change.Dropped} frames of the primary were dropped, {change.SecondaryReleased} of the secondary have left";
        string message = isNews
            ? $"the {Name(side)} goes on alone, for good: {frames}"
            : $"the {Name(side)} goes on alone already";
        FailoverReport report = new(
            message,
            CounterNames.Of(appliance.Path.Guest.Protection),
            isNews,
            change.Unverified,
            change.Dropped,
            change.SecondaryReleased);
        return ControlAnswer.Done(report, ReportJson.Default.FailoverReport);
    }

    private async Task<ControlAnswer> SetModeAsync(CompareMode mode)
    {
        if (IsAlone)
        {
            return Conflict(AloneText());
        }

        CompareMode earlier = appliance.Path.Guest.Mode;
        Tally before = Tally.Of(appliance);
        appliance.Path.SetMode(mode);
        if (!await SeenAsync())
        {
            return NotSeen();
        }

        long released = (Tally.Of(appliance) - before).Unverified;
        string name = CounterNames.Of(mode);
        string message = mode == earlier
            ? $"the mode is {name} already"
            : $"the mode is {name} from now on; {released} frames were let out unverified";
        return ControlAnswer.Done(
            new ModeReport(message, name, CounterNames.Of(earlier), released), ReportJson.Default.ModeReport);
    }

    private async Task<ControlAnswer> FlushAsync()
    {
        Tally before = Tally.Of(appliance);
        appliance.Path.Flush();
        if (!await SeenAsync())
        {
            return NotSeen();
        }

        long released = (Tally.Of(appliance) - before).Unverified;
        FlushReport report = new($"{released} frames were let out unverified", released);
        return ControlAnswer.Done(report, ReportJson.Default.FlushReport);
    }

    /// <summary>Waits until every thread has seen the order, and then the reaction of the gate.</summary>
    /// <returns>False when a thread makes no progress.</returns>
    private async Task<bool> SeenAsync() => await RoundsAsync() && await RoundsAsync();

    private async Task<bool> RoundsAsync()
    {
        IReadOnlyList<long> before = appliance.Rounds();
        long start = time.GetTimestamp();
        while (appliance.Rounds().Zip(before).Any(rounds => rounds.First - rounds.Second < SeeingRounds))
        {
            if (time.GetElapsedTime(start) > OrderPatience)
            {
                return false;
            }

            await Task.Delay(LookInterval, time);
        }

        return true;
    }

    private string AloneText()
    {
        string side = Name(appliance.Path.Guest.Protection == Protection.PrimaryAlone ? Side.Primary : Side.Secondary);
        return $"the {side} goes on alone, for good: restart ColoWire when both run in step again";
    }

    private static string Name(Side side) => CounterNames.Of(side);

    private static ControlAnswer Conflict(string error) => ControlAnswer.Refused(StatusCodes.Status409Conflict, error);

    private static ControlAnswer NotSeen() => ControlAnswer.Refused(
        StatusCodes.Status503ServiceUnavailable,
        "a thread of the appliance makes no progress: the order may still be carried out (see the log)");

    /// <summary>Counters that orders change.</summary>
    private readonly record struct Tally(long Unverified, long Dropped, long SecondaryReleased)
    {
        public static Tally Of(Appliance appliance)
        {
            PathCounters counters = PathCounters.Of(appliance.Path);
            ReadOnlySpan<long> unverified = counters.Shards.Unverified;
            return new Tally(
                unverified[(int)UnverifiedReason.Order] + unverified[(int)UnverifiedReason.Failover],
                counters.Drops[(int)DropReason.PrimaryFailover],
                counters.Shards.SecondaryReleased);
        }

        public static Tally operator -(Tally left, Tally right) =>
            new(left.Unverified - right.Unverified, left.Dropped - right.Dropped,
                left.SecondaryReleased - right.SecondaryReleased);
    }
}
