// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.IO;
using System.Text.Json;

namespace ColoWire.Rig.Live;

/// <summary>ColoWire as it is measured: its options and its status lines.</summary>
/// <param name="contest">Where it runs.</param>
/// <param name="program">The published program.</param>
internal sealed class Appliance(Contest contest, string program) : IDisposable
{
    /// <summary>Its name in the contest.</summary>
    public const string Name = "ours";

    /// <summary>A word of each of its status lines, which come once a second.</summary>
    private const string StatusWord = "elapsed_ns";

    /// <summary>The address to which clients send (perf/rig/shared.h).</summary>
    private const string GuestMac = "52:54:00:00:00:02";

    private readonly string isolated = Path.GetTempFileName();

    /// <summary>How it is called.</summary>
    /// <param name="ports">Kind of its ports.</param>
    /// <param name="idle">The option idle; null: as it is by default.</param>
    /// <param name="failWireMs">The option failwire_timeout_ms; 0: a paused process, which does not beat, keeps its
    /// frames.</param>
    /// <param name="ring">Entries of each ring of xdp ports.</param>
    /// <param name="mirrors">Whether it also carries the frames of clients.</param>
    public static string[] Options(string ports, string? idle, int failWireMs, int ring, bool mirrors = false)
    {
        List<string> words =
        [
            "run", "--primary-in", $"{ports}:p0", "--secondary-in", $"{ports}:s0", "--outdev", $"{ports}:out0", "--cores",
            $"{Contest.MeasuredCpu}",
            "--failwire-timeout-ms", $"{failWireMs}", "--on-death", failWireMs == 0 ? "block" : "wire", "--json",
        ];
        if (idle != null)
        {
            words.AddRange(["--idle", idle]);
        }

        if (mirrors)
        {
            words.AddRange(["--inbound", "mirror", "--guest-mac", GuestMac]);
        }

        if (ports == "xdp")
        {
            words.AddRange(["--xdp-mode", "native", "--xdp-ring", $"{ring}"]);
        }

        return [.. words];
    }

    /// <summary>Starts it and waits until it takes frames.</summary>
    public void Start(params IReadOnlyList<string> options) => contest.Start(Name, StatusWord, [program, .. options]);

    /// <summary>The same, where the measured CPU counts as one that the kernel has isolated, though no boot parameter says so:
    /// <c>idle: adaptive</c> looks at the file that would.</summary>
    public void StartIsolated(params IReadOnlyList<string> options)
    {
        File.WriteAllText(isolated, $"{Contest.MeasuredCpu}\n");
        contest.Start(
            Name, StatusWord,
            ["sh", "-c", "mount --bind \"$0\" /sys/devices/system/cpu/isolated && exec \"$@\"", isolated, program, .. options]);
    }

    /// <summary>Its next status line.</summary>
    public Status NextStatus()
    {
        using JsonDocument line = JsonDocument.Parse(contest.Process(Name).NextLine());
        JsonElement root = line.RootElement;
        JsonElement runtime = root.GetProperty("runtime");
        return new Status(
            root.GetProperty(StatusWord).GetInt64(),
            runtime.GetProperty("allocated_bytes").GetInt64(),
            runtime.GetProperty("garbage_collections").GetInt64(),
            root.GetProperty("output").GetProperty("frames").GetInt64(),
            FramesInbound(root, "unchanged"),
            FramesInbound(root, "translated"));
    }

    /// <inheritdoc/>
    public void Dispose() => File.Delete(isolated);

    private static long FramesInbound(JsonElement status, string name) =>
        status.TryGetProperty("inbound", out JsonElement inbound)
            ? inbound.GetProperty("frames").GetProperty(name).GetInt64() : 0;
}

/// <summary>What a status line says, all since the start.</summary>
/// <param name="ElapsedNs">The appliance's time.</param>
/// <param name="AllocatedBytes">Managed memory that it has allocated.</param>
/// <param name="Collections">Garbage collections.</param>
/// <param name="Output">Frames that have left through outdev.</param>
/// <param name="Unchanged">Frames of clients that both replicas received with the same bytes.</param>
/// <param name="Translated">Frames of clients that the secondary received in its own numbers.</param>
internal readonly record struct Status(
    long ElapsedNs, long AllocatedBytes, long Collections, long Output, long Unchanged, long Translated)
{
    /// <summary>All frames that it has carried.</summary>
    public long Frames => Output + Unchanged + Translated;

    /// <summary>What lies between two lines.</summary>
    public static Status operator -(Status later, Status earlier) => new(
        later.ElapsedNs - earlier.ElapsedNs,
        later.AllocatedBytes - earlier.AllocatedBytes,
        later.Collections - earlier.Collections,
        later.Output - earlier.Output,
        later.Unchanged - earlier.Unchanged,
        later.Translated - earlier.Translated);

    /// <summary>What lies in two intervals together.</summary>
    public static Status operator +(Status one, Status other) => new(
        one.ElapsedNs + other.ElapsedNs,
        one.AllocatedBytes + other.AllocatedBytes,
        one.Collections + other.Collections,
        one.Output + other.Output,
        one.Unchanged + other.Unchanged,
        one.Translated + other.Translated);
}
