// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using ColoWire.Engine;
using ColoWire.Ports;

namespace ColoWire.Options;

/// <summary>
/// Every option that shapes an appliance, once. The command line, the reader of the file, the sample file and the table in the README
/// are made from it, so that none of them can say something else.
/// </summary>
public static class OptionTable
{
    /// <summary>The <see cref="ApplianceOptions.SnapLengthBytes"/> that stands for what the MTU of each interface needs.</summary>
    public const int SnapLengthOfMtu = 0;

    /// <summary>Range of <see cref="ApplianceOptions.MemoryLimitMiB"/>.</summary>
    public static readonly Range<int> MemoryLimitMiB = new(1, 1 << 20, 256);

    private const string ModeObserve = "observe";

    /// <summary>The options, in the order in which an operator thinks of them.</summary>
    public static IReadOnlyList<OptionRow> Rows { get; } =
    [
        new PortRow("primary_in", "pcap:primary0", Verbs.Live, "Where the primary's frames come in.",
            (o, v) => o with { PrimaryIn = v }),
        new PortRow("secondary_in", "pcap:secondary0", Verbs.Live, "Where the secondary's frames come in; they are compared and never leave.",
            (o, v) => o with { SecondaryIn = v }),
        new PortRow("outdev", "pcap:outside0", Verbs.Live, "Where the primary's frames leave.",
            (o, v) => o with { OutDevice = v }),
        new ChoiceRow("mode", ["lockstep", ModeObserve], Verbs.Run,
            "lockstep: a frame leaves when the secondary has produced the same; observe: at once, differences are only reported.",
            (o, v) => o with { Mode = v == ModeObserve ? CompareMode.Observe : CompareMode.Lockstep }),
        new ChoiceRow("requester", ["none"], Verbs.Live,
            "Who is asked for a checkpoint; none: a diverged connection is reported and goes on unverified.",
            (o, v) => o with { Requester = v }),
        new NumberRow("compare_timeout", "ms", EngineLimits.CompareTimeoutMs, Verbs.All,
            "How long a frame waits for its partner before its connection counts as diverged.",
            (o, v) => o with { CompareTimeoutMs = v }),
        new NumberRow("expired_scan_cycle", "ms", EngineLimits.ExpiredScanCycleMs, Verbs.All,
            "How often connections are searched for frames that have waited too long.",
            (o, v) => o with { ExpiredScanCycleMs = v }),
        new NumberRow("checkpoint_retry_ms", "ms", EngineLimits.CheckpointRetryMs, Verbs.Live,
            "How long an unanswered checkpoint request stands before it is made again.",
            (o, v) => o with { CheckpointRetryMs = v }),
        new NumberRow("max_queue_size", "frames", EngineLimits.MaxQueueSize, Verbs.All,
            "Frames that one connection may hold, for each side; beyond, what is held leaves unverified.",
            (o, v) => o with { MaxQueueSize = v }),
        new CpuListRow("cores", Verbs.Live,
            "The CPUs that do the work, one thread pinned to each; empty: the highest-numbered one that the process may use.",
            (o, v) => o with { Cores = v }),
        new NumberRow("shards", "", EngineLimits.Shards, Verbs.Live,
            "Sets of connections compared independently; with four cores or more, at least one for each core that compares.",
            (o, v) => o with { Shards = v }),
        new NumberRow("flows", "connections", EngineLimits.Flows, Verbs.All,
            "Connections known at a time, all shards together; the longest idle one makes room.",
            (o, v) => o with { Flows = v }),
        new NumberRow("slots", "frames", EngineLimits.SlotsPerSide, Verbs.All,
            "Frames of up to 2 KiB in memory, for each side.",
            (o, v) => o with { SlotsPerSide = v }),
        new NumberRow("large_slots", "frames", EngineLimits.LargeSlotsPerSide, Verbs.All,
            "Frames of up to 64 KiB in memory, for each side: jumbo frames, and guests with segmentation offload.",
            (o, v) => o with { LargeSlotsPerSide = v }),
        new NumberRow("capture_buffer", "MiB", PortLimits.BufferMiB, Verbs.Live,
            "The kernel's buffer of each live port that captures; it bridges the moments in which nobody reads.",
            (o, v) => o with { CaptureBufferMiB = v }),
        new NumberRow("snaplen", "bytes", PortLimits.SnapLength, Verbs.Live,
            "Longest frame that live ports capture; a longer one cannot be sent on whole and is counted as truncated.",
            (o, v) => o with { SnapLengthBytes = v }, zeroMeans: "what the interface's MTU needs"),
        new NumberRow("memory_limit", "MiB", MemoryLimitMiB, Verbs.All,
            "Refuse to start when slots, flows, shards and buffers together would take more than this.",
            (o, v) => o with { MemoryLimitMiB = v }),
        new FlagRow("trace", Verbs.Live, "With each divergence, log a hexdump of both frames around the difference.",
            (o, v) => o with { Trace = v }),
    ];

    /// <summary>The row of a name in the file.</summary>
    /// <returns>Null when there is none.</returns>
    public static OptionRow? Find(string name)
    {
        foreach (OptionRow row in Rows)
        {
            if (string.Equals(row.Name, name, StringComparison.Ordinal))
            {
                return row;
            }
        }

        return null;
    }
}
