// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.Json.Nodes;
using System.Threading;
using ColoWire.Commands;
using ColoWire.Engine;

namespace ColoWire.TwinMaker.Matrix;

/// <summary>Compares a twin with <c>colowire compare</c>, in this process; no other code of TwinMaker calls ColoWire.</summary>
internal sealed class TwinJudge : IDisposable
{
    private const int LeastLargeSlots = 8;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("colowire-twins-");

    public (TwinOutcome Outcome, string Found) Judge(Twin twin)
    {
        string primary = Path.Combine(_folder.FullName, "primary.pcap");
        string secondary = Path.Combine(_folder.FullName, "secondary.pcap");
        CaptureFile.Write(primary, twin.Primary);
        CaptureFile.Write(secondary, twin.Secondary);

        using StringWriter output = new();
        using StringWriter errors = new();
        CompareRequest request = new(primary, secondary, OptionsFor(twin)) { Json = true };
        int exitCode = CompareCommand.Run(request, output, errors, CancellationToken.None);
        if (exitCode is not (CompareCommand.Equal or CompareCommand.Diverged))
            throw new BadInputException($"colowire compare ended with {exitCode}: {errors}");
        JsonNode report = JsonNode.Parse(output.ToString())!;
        TwinOutcome outcome = twin.Harm is null ? OfHarmless(report, exitCode) : OfHarmful(report, exitCode, twin);
        return (outcome, outcome == TwinOutcome.Right ? string.Empty : Summary(report, exitCode));
    }

    public void Dispose() => _folder.Delete(recursive: true);

    /// <summary>The default options, with no more memory than the twin can fill, because the memory is cleared for each
    /// twin.</summary>
    private static EngineOptions OptionsFor(Twin twin)
    {
        const int FramesInFlight = 1024;
        int frames = Math.Max(twin.Primary.Count, twin.Secondary.Count) + FramesInFlight;
        return new EngineOptions
        {
            SlotsPerSide = Math.Min(frames, EngineLimits.SlotsPerSide.Default),
            LargeSlotsPerSide = Math.Min(twin.Primary.Concat(twin.Secondary).Count(IsLarge) + LeastLargeSlots, EngineLimits.LargeSlotsPerSide.Default),
            Flows = Math.Min(frames, EngineLimits.Flows.Default),
        };

        static bool IsLarge(TwinFrame frame) => frame.Bytes.Length > EngineLimits.SmallSlotBytes;
    }

    private static TwinOutcome OfHarmless(JsonNode report, int exitCode)
    {
        bool allLeft = Number(report["released"]!, "verified") + Number(report["released"]!, "passed") == Number(report["primary"]!, "frames")
            && Number(report["released"]!, "unverified") == 0 && Number(report, "held_at_end") == 0;
        bool isEqual = exitCode == CompareCommand.Equal && Number(report, "divergences_total") == 0;
        return allLeft && isEqual ? TwinOutcome.Right : TwinOutcome.FalseDivergence;
    }

    private static TwinOutcome OfHarmful(JsonNode report, int exitCode, Twin twin)
    {
        JsonArray divergences = report["divergences"]!.AsArray();
        if (exitCode == CompareCommand.Equal || divergences.Count == 0)
            return TwinOutcome.Missed;
        JsonNode harmed = twin.Harm!.Flow.ToJson();
        if (Number(report, "divergences_total") != 1 || !JsonNode.DeepEquals(divergences[0]!["flow"], harmed))
            return TwinOutcome.WrongFlow;
        return twin.Harm.Reasons.Contains(divergences[0]!["reason"]!.GetValue<string>()) ? TwinOutcome.Right : TwinOutcome.WrongReason;
    }

    private static long Number(JsonNode node, string name) => node[name]!.GetValue<long>();

    private static string Summary(JsonNode report, int exitCode)
    {
        const int MostShown = 3;
        IEnumerable<string> divergences = report["divergences"]!.AsArray().Take(MostShown).Select(divergence =>
            $"{divergence!["reason"]} at {divergence["primary_frame"]?.ToString() ?? "-"}/{divergence["secondary_frame"]?.ToString() ?? "-"}"
            + $" of {divergence["flow"]!.ToJsonString()}");
        return $"exit {exitCode}, {report["divergences_total"]} divergences, primary {report["primary"]!["frames"]},"
            + $" released {report["released"]!.ToJsonString()}: {string.Join("; ", divergences)}";
    }
}
