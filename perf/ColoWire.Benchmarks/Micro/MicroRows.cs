// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using ColoWire.Figures;

namespace ColoWire.Benchmarks.Micro;

/// <summary>The few results of BenchmarkDotNet that become rows; the report has all results.</summary>
internal static class MicroRows
{
    private const string Group = "micro";

    /// <summary>Selects the results; cases that a filter has excluded are left out.</summary>
    public static IEnumerable<Row> From(Summary summary) =>
        Equality(summary).Concat(Parsing(summary)).Concat(Ring(summary)).OfType<Row>();

    private static IEnumerable<Row?> Equality(Summary summary) =>
        from bytes in (int[])[22, 64, 1458, 1500]
        select Beside(
            $"byte equality, {bytes} bytes, unaligned",
            "ns",
            EqualityRuns(summary, nameof(EqualityBenchmarks.FirstDifference), bytes),
            "SequenceEqual",
            EqualityRuns(summary, nameof(EqualityBenchmarks.SequenceEqual), bytes));

    private static double[]? EqualityRuns(Summary summary, string method, int bytes) => Runs(
        summary, method, (nameof(EqualityBenchmarks.Bytes), bytes), (nameof(EqualityBenchmarks.Placement), Placement.Unaligned));

    private static IEnumerable<Row?> Parsing(Summary summary) =>
        from carrier in Enum.GetValues<Carrier>()
        from tcp in (bool[])[true, false]
        let runs = Runs(summary, nameof(ParsingBenchmarks.ParseKeyAndHash), (nameof(Carrier), carrier), (nameof(ParsingBenchmarks.Tcp), tcp))
        select runs == null ? null : new Row(Group, $"parse, key and hash, {(tcp ? "TCP" : "UDP")} over {carrier}", "ns/frame", runs);

    private static IEnumerable<Row?> Ring(Summary summary) =>
        from batch in (int[])[1, 16, 64]
        select Beside(
            $"ring hand-off, batches of {batch}, two threads",
            "ns/frame",
            Runs(summary, nameof(RingBenchmarks.TwoThreads), (nameof(RingBenchmarks.Batch), batch)),
            "one thread",
            Runs(summary, nameof(RingBenchmarks.OneThread), (nameof(RingBenchmarks.Batch), batch)));

    private static Row? Beside(string what, string unit, double[]? runs, string anchor, double[]? anchorRuns) =>
        runs == null || anchorRuns == null ? null : new Row(Group, what, unit, runs) { Anchor = anchor, AnchorRuns = anchorRuns };

    /// <summary>The measured values of one case; null when it did not run.</summary>
    private static double[]? Runs(Summary summary, string method, params (string Name, object Value)[] parameters)
    {
        BenchmarkReport? report = summary.Reports.FirstOrDefault(report => IsCase(report.BenchmarkCase, method, parameters));
        return report?.ResultStatistics == null ? null : [.. report.ResultStatistics.OriginalValues];
    }

    private static bool IsCase(BenchmarkCase benchmark, string method, (string Name, object Value)[] parameters) =>
        benchmark.Descriptor.WorkloadMethod.Name == method
        && parameters.All(parameter => parameter.Value.Equals(benchmark.Parameters[parameter.Name]));
}
