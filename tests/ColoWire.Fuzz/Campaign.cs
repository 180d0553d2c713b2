// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Threading;
using ColoWire.Fuzz.Cases;
using ColoWire.Fuzz.Generating;
using ColoWire.Fuzz.Running;

namespace ColoWire.Fuzz;

/// <summary>Limits of a campaign, which ends when one of them is reached.</summary>
internal sealed record CampaignLimits
{
    public long Frames { get; init; } = long.MaxValue;

    public long Cases { get; init; } = long.MaxValue;

    public TimeSpan Time { get; init; } = TimeSpan.MaxValue;
}

/// <summary>A failing case.</summary>
internal sealed record Finding(ulong Seed, Failure Failure);

/// <summary>Runs one case after the other on several threads; the seeds are consecutive.</summary>
internal sealed class Campaign(Func<CaseGenerator> newGenerator, ulong firstSeed, CampaignLimits limits)
{
    /// <summary>A longer poll is a failure, because it stops the traffic of the guests for as long. A slow case is run again with
    /// the CPU time of its thread, which excludes other processes and the JIT compiler.</summary>
    private const long LongestPollNs = 50_000_000;

    private readonly Stopwatch clock = Stopwatch.StartNew();
    private readonly Lock gate = new();
    private readonly Dictionary<string, (Finding First, int Count)> findings = [];
    private long nextCase;
    private long frames;
    private long cases;

    public long Frames => Interlocked.Read(ref frames);

    public long Cases => Interlocked.Read(ref cases);

    public TimeSpan Elapsed => clock.Elapsed;

    /// <summary>The longest poll of all cases but the first ones, in nanoseconds.</summary>
    public long SlowestPollNs { get; private set; }

    /// <summary>The case with the longest time per frame, except the first few cases.</summary>
    public (ulong Seed, double NsPerFrame) SlowestCase { get; private set; }

    /// <summary>The first finding of each kind, and the number of cases that fail in this way.</summary>
    public IReadOnlyList<(Finding First, int Count)> Findings
    {
        get
        {
            lock (gate)
            {
                return [.. findings.Values];
            }
        }
    }

    public void Run(int threads)
    {
        Thread[] workers = new Thread[threads];
        for (int i = 0; i < threads; i++)
        {
            workers[i] = new Thread(Work);
            workers[i].Start();
        }

        foreach (Thread worker in workers)
        {
            worker.Join();
        }
    }

    /// <summary>Runs a case; runs a slow case again by CPU time, so that a busy machine causes no failure.</summary>
    public static RunResult RunOnce(FuzzCase made)
    {
        RunResult result = CaseRunner.Run(made);
        if (made.Promise == Promise.Spoken)
        {
            // The polls of such a case include the time of the model.
            return result with { LongestPollNs = 0, PollNs = 0 };
        }

        for (int again = 0; again < 2 && result.Failure is null && result.LongestPollNs > LongestPollNs; again++)
        {
            result = CaseRunner.Run(made, ThreadTime.NowNs);
        }

        return result.Failure is null && result.LongestPollNs > LongestPollNs
            ? result with
            {
                Failure = new Failure("slow poll", "", "a poll takes "
                + $"{result.LongestPollNs / 1e6:F1} ms of CPU time")
            }
            : result;
    }

    private void Work()
    {
        CaseGenerator generator = newGenerator();
        while (Frames < limits.Frames && clock.Elapsed < limits.Time)
        {
            long number = Interlocked.Increment(ref nextCase) - 1;
            if (number >= limits.Cases)
            {
                return;
            }

            ulong seed = firstSeed + (ulong)number;
            FuzzCase made = generator.Make(seed);
            RunResult result = RunOnce(made);
            Interlocked.Add(ref frames, result.Frames);
            Interlocked.Increment(ref cases);
            Note(seed, in result);
        }
    }

    private void Note(ulong seed, in RunResult result)
    {
        lock (gate)
        {
            double nsPerFrame = result.PollNs / (double)Math.Max(100, result.Frames);
            bool isWarm = cases > 1000;
            SlowestPollNs = isWarm ? Math.Max(SlowestPollNs, result.LongestPollNs) : 0;
            SlowestCase = isWarm && nsPerFrame > SlowestCase.NsPerFrame ? (seed, nsPerFrame) : SlowestCase;
            if (result.Failure is { } failure)
            {
                string name = $"{failure.Kind} {failure.Place}";
                findings[name] = findings.TryGetValue(name, out (Finding First, int Count) known)
                    ? (known.First, known.Count + 1)
                    : (new Finding(seed, failure), 1);
            }
        }
    }
}
