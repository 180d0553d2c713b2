// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.CommandLine;
using System.Diagnostics;
using System.IO;
using System.Linq;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Exporters;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using ColoWire.Benchmarks.Shards;
using ColoWire.Figures;
using Perfolizer.Horology;

namespace ColoWire.Benchmarks.Micro;

/// <summary><c>micro</c>: BenchmarkDotNet over the engine's parts, and over a whole appliance.</summary>
internal static class MicroCommand
{
    private const int IterationMs = 15;
    private const int WarmUps = 6;

    /// <summary>
    /// Delay in milliseconds from the last tier-0 compilation until the runtime counts calls for tiered compilation. Each case of
    /// BenchmarkDotNet is new code: with the default of 100 ms, dozens of cases would be measured unoptimised, ten times slower.
    /// </summary>
    private const string CompilerDelay = "DOTNET_TC_CallCountingDelayMs";

    private static readonly (Type Type, PlannedStep Step)[] Benchmarks =
    [
        (typeof(EqualityBenchmarks), new PlannedStep("byte equality", 6)),
        (typeof(ChecksumBenchmarks), new PlannedStep("checksums", 0.8)),
        (typeof(ParsingBenchmarks), new PlannedStep("parsing", 2)),
        (typeof(RingBenchmarks), new PlannedStep("rings", 0.8)),
        (typeof(ShardBenchmarks), new PlannedStep("shards", 6)),
    ];

    /// <summary>Makes the verb's command.</summary>
    public static Command Create()
    {
        Option<string?> rows = MeasureOptions.Rows();
        Option<int> rounds = MeasureOptions.Rounds(Row.LeastRuns + 2);
        Option<int> seconds = MeasureOptions.Seconds();
        Option<string?> report = new("--report")
        {
            Description = "Writes all results to this file as Markdown.",
            HelpName = "FILE",
        };
        Option<string?> only = MeasureOptions.Only();
        Command command = new(
            "micro", "Runs BenchmarkDotNet over byte equality, parsing, the ring, and a whole appliance in memory.")
        {
            rows,
            report,
            only,
            rounds,
            seconds,
        };
        command.SetAction(parse => Environment.GetEnvironmentVariable(CompilerDelay) == null
            ? RunWithoutDelay()
            : Run(
                parse.GetValue(rows), parse.GetValue(report), parse.GetValue(only), parse.GetValue(rounds),
                parse.GetValue(seconds)));
        return command;
    }

    /// <summary>Starts this program again with the variable set, because the runtime reads it only at its start.</summary>
    private static int RunWithoutDelay()
    {
        ProcessStartInfo start = new(Environment.ProcessPath!, Environment.GetCommandLineArgs()[1..]);
        start.Environment[CompilerDelay] = "0";
        using Process process = Process.Start(start)!;
        process.WaitForExit();
        return process.ExitCode;
    }

    private static int Run(string? rows, string? report, string? only, int rounds, int seconds)
    {
        if (rows != null)
        {
            RowFile.CheckWritable(rows);
        }

        using StreamWriter? writer = report == null ? null : OpenReport(report);
        string artifacts = Directory.CreateTempSubdirectory("colowire-micro-").FullName;
        try
        {
            TimePlan plan = new("micro", Benchmarks.Select(benchmark => benchmark.Step), rounds, MeasureOptions.Limit(seconds));
            MixedWarmUp.Run();
            bool any = false, good = true;
            foreach ((Type type, PlannedStep step) in Benchmarks)
            {
                int iterations = plan.RoundsOf(step.Name);
                Summary summary = BenchmarkRunner.Run(type, Config(artifacts, only, iterations));
                plan.End(step.Name, iterations);
                any |= summary.BenchmarksCases.Length != 0;
                good &= Tell(summary, rows, writer);
            }

            return !any ? throw NoBenchmark(only) : good ? 0 : 1;
        }
        finally
        {
            Directory.Delete(artifacts, recursive: true);
        }
    }

    /// <summary>
    /// Short runs in this process: a process for each of some hundred cases would take longer to start than to measure, and in
    /// one process the compiler has seen both protocols before it optimises.
    /// </summary>
    private static ManualConfig Config(string artifacts, string? only, int iterations)
    {
        Job job = Job.Default
            .WithToolchain(InProcessEmitToolchain.Instance)
            .WithClock(new CpuClock())
            .WithIterationTime(TimeInterval.FromMilliseconds(IterationMs))
            .WithWarmupCount(WarmUps)
            .WithIterationCount(iterations)
            .WithEvaluateOverhead(false);
        return ManualConfig.CreateEmpty()
            .AddJob(job)
            .AddDiagnoser(MemoryDiagnoser.Default)
            .AddColumnProvider(DefaultColumnProviders.Instance)
            .AddFilter(new BenchmarkDotNet.Filters.GlobFilter([$"*{only}*"]))
            .AddLogger(NullLogger.Instance)
            .WithArtifactsPath(artifacts)
            .WithOptions(ConfigOptions.DisableLogFile);
    }

    /// <summary>Writes the results of one class at once, so that they are kept if a later class takes too long.</summary>
    /// <returns>Whether all benchmarks succeeded.</returns>
    private static bool Tell(Summary summary, string? rows, StreamWriter? report)
    {
        if (summary.BenchmarksCases.Length == 0)
        {
            return true;
        }

        MarkdownExporter.Console.ExportToLog(summary, ConsoleLogger.Ascii);
        if (report != null)
        {
            MarkdownExporter.GitHub.ExportToLog(summary, new TextLogger(report));
            report.Flush();
        }

        foreach (Row row in rows == null ? [] : MicroRows.From(summary))
        {
            RowFile.Append(rows!, row);
        }

        BenchmarkCase[] failed = [.. summary.BenchmarksCases.Where(benchmark => summary[benchmark]?.Success != true)];
        foreach (BenchmarkCase benchmark in failed)
        {
            Console.Error.WriteLine($"benchmarks: failed: {benchmark.DisplayInfo}");
        }

        return failed.Length == 0;
    }

    private static BadInputException NoBenchmark(string? only)
    {
        string allowed = string.Join(", ", Benchmarks.Select(benchmark => benchmark.Type.Name));
        return new BadInputException($"--only {only}: nothing has this in its name; there are {allowed}");
    }

    private static StreamWriter OpenReport(string path)
    {
        try
        {
            return new StreamWriter(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new BadInputException($"--report {path}: cannot be written: {exception.Message}");
        }
    }
}
