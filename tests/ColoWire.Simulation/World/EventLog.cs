// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using System.IO;
using System.Linq;
using ColoWire.Engine;
using ColoWire.Engine.Checkpoint;

namespace ColoWire.Simulation.World;

/// <summary>The events of a world: a digest of all of them, and the last ones as text.</summary>
internal sealed class EventLog(Scheduler scheduler, TextWriter? trace)
{
    private const int Kept = 20_000;
    private const ulong FnvOffset = 0xCBF29CE484222325;
    private const ulong FnvPrime = 0x100000001B3;

    /// <summary>The number "no flow", for an event that concerns the whole world.</summary>
    public const int NoFlow = -1;

    private readonly Queue<(long AtNs, int Flow, string What, SentFrame? Frame, long Detail)> last = new();

    /// <summary>A number for what a report says: the reasons of divergences come first, then the other causes.</summary>
    public static int NumberOf(in CheckpointReport report) => report.Cause == CheckpointCause.Divergence
        ? (int)report.Divergence.Reason
        : (int)DivergenceReason.Fragment + (int)report.Cause;

    /// <summary>FNV-1a over all events: two worlds of one seed must have the same value.</summary>
    public ulong Digest { get; private set; } = FnvOffset;

    public void Add(string what, SentFrame frame, long detail = 0) => Add(what, frame.Flow, frame, detail);

    public void Add(string what, int flow = NoFlow, long detail = 0) => Add(what, flow, null, detail);

    /// <summary>The last events of a flow, oldest first, with those of the whole world in between.</summary>
    public IEnumerable<string> LastOf(int flow, int count)
    {
        (long AtNs, int Flow, string What, SentFrame? Frame, long Detail)[] own =
            [.. last.Where(e => flow == NoFlow || e.Flow == flow).TakeLast(count)];
        long firstNs = own.Length == 0 ? 0 : own[0].AtNs;
        long lastNs = own.Length == 0 ? 0 : own[^1].AtNs;
        return last
            .Where(e => e.AtNs >= firstNs && e.AtNs <= lastNs && (flow == NoFlow || e.Flow == flow || e.Flow == NoFlow))
            .TakeLast(2 * count).Select(Format);
    }

    private static string Format((long AtNs, int Flow, string What, SentFrame? Frame, long Detail) e)
    {
        string flow = e.Flow == NoFlow ? "" : $" flow {e.Flow}";
        return $"{e.AtNs / 1e6,12:F4} ms {e.What,-10}{flow} {e.Frame?.ToString() ?? ""} {(e.Detail == 0 ? "" : e.Detail)}".TrimEnd();
    }

    private void Add(string what, int flow, SentFrame? frame, long detail)
    {
        Mix((ulong)scheduler.NowNs);
        Mix((ulong)(flow + 2));
        Mix((ulong)(frame?.Number ?? 0));
        Mix((ulong)detail);
        foreach (char letter in what)
        {
            Mix(letter);
        }

        (long AtNs, int Flow, string What, SentFrame? Frame, long Detail) happened = (scheduler.NowNs, flow, what, frame, detail);
        trace?.WriteLine(Format(happened));
        last.Enqueue(happened);
        if (last.Count > Kept)
        {
            last.Dequeue();
        }
    }

    private void Mix(ulong value) => Digest = unchecked((Digest ^ value) * FnvPrime);
}
