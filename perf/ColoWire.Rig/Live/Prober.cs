// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Linq;
using System.Text.Json;

namespace ColoWire.Rig.Live;

/// <summary>prober.c: pairs that bear the time, or frames of clients, and what became of them.</summary>
/// <param name="contest">Where it sends.</param>
/// <param name="program">The compiled program.</param>
internal sealed class Prober(Contest contest, string program)
{
    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    /// <summary>Sends pairs and waits for all that come.</summary>
    /// <param name="name">Through whom.</param>
    /// <param name="pairs">How many.</param>
    /// <param name="rate">Pairs a second.</param>
    /// <returns>What came to the first sink.</returns>
    public Probe Send(string name, long pairs, long rate) => SendToAll(name, pairs, rate)[0];

    /// <summary>The same for each sink: where clients send, the primary's end and the secondary's.</summary>
    public Probe[] SendToAll(string name, long pairs, long rate) => Read(contest.RunFeeding(Words(name, pairs, rate)));

    /// <summary>Starts to send; <see cref="Finish"/> waits for the end.</summary>
    /// <param name="name">Through whom.</param>
    /// <param name="pairs">How many at most.</param>
    /// <param name="rate">Pairs a second.</param>
    /// <param name="untilFirst">Whether to end when the first one has come.</param>
    public SpaceProcess Start(string name, long pairs, long rate, bool untilFirst = false) =>
        contest.StartFeeding(untilFirst ? [.. Words(name, pairs, rate), "first"] : Words(name, pairs, rate));

    /// <summary>Waits for what was started.</summary>
    public static Probe Finish(SpaceProcess prober) => Read(prober.WaitForOutput())[0];

    private string[] Words(string name, long pairs, long rate) =>
        [program, contest.Inputs(name), contest.Outputs(name), $"{Traffic.LeastBytes}", $"{pairs}", $"{rate}"];

    private static Probe[] Read(string output)
    {
        try
        {
            return
            [
                .. output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
                    .Select(line => JsonSerializer.Deserialize<Probe>(line, Json)!),
            ];
        }
        catch (JsonException fault)
        {
            throw new RigException($"prober: printed '{output}': {fault.Message}", fault);
        }
    }
}

/// <summary>What became of the pairs; times in ns.</summary>
/// <param name="Sent">Pairs that were sent.</param>
/// <param name="Came">Those that arrived.</param>
/// <param name="Lost">Those that did not.</param>
/// <param name="Repeated">Frames that arrived once more.</param>
/// <param name="FirstAt">When the first one arrived, since 1970.</param>
/// <param name="P50">Median time on the way.</param>
/// <param name="P99">The time that 99 of 100 did not exceed.</param>
internal sealed record Probe(long Sent, long Came, long Lost, long Repeated, long FirstAt, long P50, long P99);
