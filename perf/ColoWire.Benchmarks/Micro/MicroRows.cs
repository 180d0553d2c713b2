// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using ColoWire.Benchmarks.Rows;

namespace ColoWire.Benchmarks.Micro;

/// <summary>The few results of BenchmarkDotNet that go into the table; the report has all.</summary>
internal static class MicroRows
{
    private const string Group = "micro";

    /// <summary>Picks them; what a filter has left out is left out.</summary>
    public static IEnumerable<Row> From(IReadOnlyList<Summary> summaries) =>
        Equality(summaries).Concat(Parsing(summaries)).Concat(Ring(summaries)).OfType<Row>();

    private static IEnumerable<Row?> Equality(IReadOnlyList<Summary> summaries) =>
        from bytes in (int[])[22, 64, 1458, 1500]
        select Beside(
            $"byte equality, {bytes} bytes, unaligned",
            "ns",
            Runs(summaries, nameof(EqualityBenchmarks.FirstDifference), (nameof(EqualityBenchmarks.Bytes), bytes), (nameof(Placement), Placement.Unaligned)),
            "SequenceEqual",
            Runs(summaries, nameof(EqualityBenchmarks.SequenceEqual), (nameof(EqualityBenchmarks.Bytes), bytes), (nameof(Placement), Placement.Unaligned)));

    private static IEnumerable<Row?> Parsing(IReadOnlyList<Summary> summaries) =>
        from carrier in Enum.GetValues<Carrier>()
        from tcp in (bool[])[true, false]
        let runs = Runs(summaries, nameof(ParsingBenchmarks.ParseKeyAndHash), (nameof(Carrier), carrier), (nameof(ParsingBenchmarks.Tcp), tcp))
        select runs == null ? null : new Row(Group, $"parse, key and hash, {(tcp ? "TCP" : "UDP")} over {carrier}", "ns/frame", runs);

    private static IEnumerable<Row?> Ring(IReadOnlyList<Summary> summaries) =>
        from batch in (int[])[1, 16, 64]
        select Beside(
            $"ring hand-off, batches of {batch}, two threads",
            "ns/frame",
            Runs(summaries, nameof(RingBenchmarks.TwoThreads), (nameof(RingBenchmarks.Batch), batch)),
            "one thread",
            Runs(summaries, nameof(RingBenchmarks.OneThread), (nameof(RingBenchmarks.Batch), batch)));

    private static Row? Beside(string what, string unit, double[]? runs, string anchor, double[]? anchorRuns) =>
        runs == null || anchorRuns == null ? null : new Row(Group, what, unit, runs) { Anchor = anchor, AnchorRuns = anchorRuns };

    /// <summary>The measured values of one case; null when it did not run.</summary>
    private static double[]? Runs(IReadOnlyList<Summary> summaries, string method, params (string Name, object Value)[] parameters)
    {
        BenchmarkReport? report = summaries.SelectMany(summary => summary.Reports).FirstOrDefault(report => IsCase(report.BenchmarkCase, method, parameters));
        return report?.ResultStatistics == null ? null : [.. report.ResultStatistics.OriginalValues];
    }

    private static bool IsCase(BenchmarkCase benchmark, string method, (string Name, object Value)[] parameters) =>
        benchmark.Descriptor.WorkloadMethod.Name == method
        && parameters.All(parameter => parameter.Value.Equals(benchmark.Parameters[parameter.Name]));
}
