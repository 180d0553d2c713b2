// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;

namespace ColoWire.Figures;

/// <summary>
/// Keeps a part of the measurement within its time. It says how long the part still needs, and when that is more than is left,
/// all steps that are still to come run fewer rounds, in proportion, but never fewer than <see cref="LeastRounds"/>.
/// </summary>
internal sealed class TimePlan
{
    /// <summary>Rounds that each step runs even when the time is over: the least of which a median is not one of the
    /// extremes.</summary>
    public const int LeastRounds = 3;

    /// <summary>Least time between two lines about rounds of one step.</summary>
    private static readonly TimeSpan TellInterval = TimeSpan.FromSeconds(5);

    private readonly string part;
    private readonly PlannedStep[] steps;
    private readonly int rounds;
    private readonly TimeSpan limit;
    private readonly TimeProvider clock;
    private readonly TextWriter log;
    private readonly long start;
    private int current;

    // Of the steps that have ended: what they were planned to take for the rounds that they ran, and what they took, without what
    // came before the first.
    private double? beforeSeconds;
    private double plannedSeconds;
    private double takenSeconds;
    private long told;

    /// <summary>Plans a part from now on.</summary>
    /// <param name="part">The part's name.</param>
    /// <param name="steps">Its steps in their order.</param>
    /// <param name="rounds">How often each step is to run.</param>
    /// <param name="limit">The time for all of it; null: as long as it takes.</param>
    public TimePlan(string part, IEnumerable<PlannedStep> steps, int rounds, TimeSpan? limit)
        : this(part, steps, rounds, limit, TimeProvider.System, Console.Error)
    {
    }

    internal TimePlan(
        string part, IEnumerable<PlannedStep> steps, int rounds, TimeSpan? limit, TimeProvider clock, TextWriter log)
    {
        this.part = part;
        this.steps = [.. steps];
        this.rounds = rounds;
        this.limit = limit ?? TimeSpan.MaxValue;
        this.clock = clock;
        this.log = log;
        start = clock.GetTimestamp();
    }

    private double ElapsedSeconds => SecondsSince(start);

    /// <summary>How much slower the machine is than the one on which the steps were planned.</summary>
    private double Slowness => plannedSeconds == 0 ? 1 : takenSeconds / plannedSeconds;

    private double LeftSeconds => Math.Max(0, limit.TotalSeconds - ElapsedSeconds);

    /// <summary>What all rounds of the steps after the current one take.</summary>
    private double LaterSeconds => steps.Skip(current + 1).Sum(step => step.RoundSeconds) * rounds * Slowness;

    /// <summary>The rounds of the next step: as many as there is time for. The step ends with them.</summary>
    /// <param name="name">The step's name, to see that the caller keeps to the plan.</param>
    public IEnumerable<int> Rounds(string name)
    {
        beforeSeconds ??= ElapsedSeconds;
        long first = clock.GetTimestamp();
        double leftSeconds = LeftSeconds;
        double roundSeconds = ExpectedRoundSeconds(name);
        int done = 0;
        int affordable = Affordable(roundSeconds, leftSeconds);
        Tell(name, done, affordable, roundSeconds);
        do
        {
            yield return done++;
            roundSeconds = SecondsSince(first) / done;
            affordable = Affordable(roundSeconds, leftSeconds);
            if (done < affordable && clock.GetElapsedTime(told) >= TellInterval)
            {
                Tell(name, done, affordable, roundSeconds);
            }
        }
        while (done < affordable);
        End(name, done);
    }

    /// <summary>How many rounds there is time for, for a step that has to know before it begins. <see cref="End"/> ends
    /// it.</summary>
    /// <param name="name">The step's name.</param>
    public int RoundsOf(string name)
    {
        beforeSeconds ??= ElapsedSeconds;
        double roundSeconds = ExpectedRoundSeconds(name);
        int affordable = Affordable(roundSeconds, LeftSeconds);
        Tell(name, 0, affordable, roundSeconds);
        return affordable;
    }

    /// <summary>Ends a step.</summary>
    /// <param name="name">The step's name.</param>
    /// <param name="done">Rounds that it has run.</param>
    public void End(string name, int done)
    {
        plannedSeconds += Step(name).RoundSeconds * done;
        takenSeconds = ElapsedSeconds - beforeSeconds!.Value;
        current++;
        if (done < rounds)
        {
            log.WriteLine($"{part}: {name}: {done} of {rounds} rounds, because the part has {limit.TotalSeconds:F0} s");
        }
    }

    /// <summary>How many rounds the current step gets of the time that was left when its first one began.</summary>
    private int Affordable(double roundSeconds, double leftSeconds)
    {
        double neededSeconds = (roundSeconds * rounds) + LaterSeconds;
        return neededSeconds <= leftSeconds
            ? rounds
            : Math.Max(Math.Min(LeastRounds, rounds), (int)(rounds * leftSeconds / neededSeconds));
    }

    private double ExpectedRoundSeconds(string name) => Step(name).RoundSeconds * Slowness;

    private PlannedStep Step(string name) => steps[current].Name == name
        ? steps[current]
        : throw new InvalidOperationException($"{part}: the plan's next step is '{steps[current].Name}', not '{name}'");

    private void Tell(string name, int done, int affordable, double roundSeconds)
    {
        told = clock.GetTimestamp();
        double seconds = ((affordable - done) * roundSeconds) + (LaterSeconds * affordable / rounds);
        string count = affordable < rounds ? $"{affordable} instead of {rounds}" : $"{rounds}";
        log.WriteLine($"{part}: {name}: round {done + 1} of {count}; {ElapsedSeconds:F0} s gone, about {seconds:F0} s to go");
    }

    private double SecondsSince(long timestamp) => clock.GetElapsedTime(timestamp).TotalSeconds;
}
