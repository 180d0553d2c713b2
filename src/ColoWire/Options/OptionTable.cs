// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using ColoWire.Engine;
using ColoWire.Ports;
using ColoWire.Ports.Checkpoint;
using ColoWire.Ports.Xdp;

namespace ColoWire.Options;

/// <summary>All options of an appliance. The command line, the reader of the file, the sample file and the table in the README
/// are made from this list, so that they agree.</summary>
public static class OptionTable
{
    /// <summary>The value of <see cref="ApplianceOptions.SnapLengthBytes"/> for the length that the MTU of each interface
    /// needs.</summary>
    public const int SnapLengthOfMtu = 0;

    /// <summary>Range of <see cref="ApplianceOptions.MemoryLimitMiB"/>.</summary>
    public static readonly Range<int> MemoryLimitMiB = new(1, 1 << 20, 256);

    private const string ModeObserve = "observe";
    private const string Hold = "hold";
    private const string Pass = "pass";
    private const string SpinThenPoll = "spin_then_poll";
    private const string Spin = "spin";
    private const string Block = "block";

    /// <summary>The options, in the order of the documents.</summary>
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
            OfEngine<string>((e, v) => e with { Mode = v == ModeObserve ? CompareMode.Observe : CompareMode.Lockstep })),
        new RequesterRow("requester", Verbs.Live,
            "Who is asked for a checkpoint. qmp: the primary's QEMU; notify_dev: who speaks as COLO in Xen does; command: a program, whose "
            + "exit code 0 says that it is done; none: a diverged connection is reported and goes on unverified.",
            (o, v) => o with { Requester = v }),
        new NumberRow("compare_timeout", "ms", EngineLimits.CompareTimeoutMs, Verbs.All,
            "How long a frame waits for its partner before its connection counts as diverged.",
            OfEngine<int>((e, v) => e with { CompareTimeoutMs = v })),
        new NumberRow("expired_scan_cycle", "ms", EngineLimits.ExpiredScanCycleMs, Verbs.All,
            "How often connections are searched for frames that have waited too long.",
            OfEngine<int>((e, v) => e with { ExpiredScanCycleMs = v })),
        new NumberRow("grace_ms", "ms", EngineLimits.GraceMs, Verbs.All,
            "How long a datagram may be late or out of order, or bytes that one side has changed in sending them again may wait for the "
            + "other's, before that counts as a difference. 20 ms are a few scheduler ticks of a busy host; a checkpoint that was not needed "
            + "costs five times as much.",
            OfEngine<int>((e, v) => e with { GraceMs = v })),
        new NumberRow("reorder_window", "datagrams", EngineLimits.ReorderWindow, Verbs.All,
            "Datagrams of the secondary that may overtake the one that the primary sent first. 64 are what one batch of a NIC or tap "
            + "holds, within which several queues or CPUs may shuffle.",
            OfEngine<int>((e, v) => e with { ReorderWindow = v })),
        new NumberRow("retransmit_window", "segments", EngineLimits.RetransmitWindow, Verbs.All,
            "Verified segments that each TCP connection keeps, so that one that is sent again with other bytes is found; 0 keeps none. "
            + "32 are in flight at 40 Mbit/s over 10 ms.",
            OfEngine<int>((e, v) => e with { RetransmitWindow = v })),
        new NumberRow("fragment_memory", "KiB", EngineLimits.FragmentMemoryKiB, Verbs.All,
            "Memory for fragments whose datagram is not complete, for each side of each queue, out of its slots, in steps of 2 KiB. 4 MiB is Linux's "
            + "own default.",
            OfEngine<int>((e, v) => e with { FragmentMemoryKiB = v })),
        new NumberRow("fragment_timeout_ms", "ms", EngineLimits.FragmentTimeoutMs, Verbs.All,
            "How long fragments wait for the rest of their datagram. A guest sends all of it within microseconds: what is missing "
            + "after 1 s was lost on the way.",
            OfEngine<int>((e, v) => e with { FragmentTimeoutMs = v })),
        new ChoiceRow("rst", ["compare", Pass], Verbs.All,
            "A RST of the primary. compare: it leaves when the secondary has sent one too; pass: at once, it bears no data.",
            OfEngine<string>((e, v) => e with { Reset = v == Pass ? ResetPolicy.Pass : ResetPolicy.Compare })),
        new ChoiceRow("dup", [Hold, Pass], Verbs.All,
            "A datagram that only the primary repeats. hold: it waits for a twin of its own; pass: it leaves at once.",
            OfEngine<string>((e, v) => e with { Duplicate = v == Pass ? DuplicatePolicy.Pass : DuplicatePolicy.Hold })),
        new ChoiceRow("partial_checksums", ["complete", Pass], Verbs.Live,
            "Frames whose TCP or UDP checksum the guest has left to its NIC, which a virtual one does not complete. complete: ColoWire does, "
            + "on both sides, before they are compared; pass: they leave as they came, and no receiver takes them.",
            OfEngine<string>((e, v) => e with { PartialChecksums = v == Pass ? PartialChecksumPolicy.Pass : PartialChecksumPolicy.Complete })),
        new ToleratedFieldListRow("strict", Verbs.All,
            "Header fields in which a difference is a divergence; in those not named it is only counted.",
            OfEngine<IReadOnlyList<ToleratedField>>((e, v) => e with { Strict = v })),
        new PolicyListRow("policies", Verbs.All,
            "Which connections are compared, passed or dropped: the first rule that matches counts. Where none does, IGMP, SCTP, ESP and "
            + "AH pass, and the rest is compared.",
            (o, v) => o with
            {
                Engine = o.Engine with { Policies = [.. v.Select(sentence => sentence.Rule)] },
                PolicyTexts = [.. v.Select(sentence => sentence.Text)],
            }),
        new NumberRow("checkpoint_retry_ms", "ms", EngineLimits.CheckpointRetryMs, Verbs.Live,
            "How long an unanswered checkpoint request stands before it is made again.",
            OfEngine<int>((e, v) => e with { CheckpointRetryMs = v })),
        new NumberRow("checkpoint_retries", "tries", EngineLimits.CheckpointRetries, Verbs.Live,
            "How often a request is made again before the requester counts as lost: the state is degraded then, and requester_loss acts.",
            OfEngine<int>((e, v) => e with { CheckpointRetries = v })),
        new NumberRow("checkpoint_max_ms", "ms", EngineLimits.CheckpointMaxMs, Verbs.Live,
            "How long both guests may stand for a checkpoint, as QEMU tells of it, before it counts as broken off and the requester as lost.",
            OfEngine<int>((e, v) => e with { CheckpointMaxMs = v })),
        new NumberRow("checkpoint_interval_ms", "ms", EngineLimits.CheckpointIntervalMs, Verbs.Live,
            "Least time from the end of a checkpoint to the next request that no operator has ordered; what differs "
            + "sooner waits, and one checkpoint mends all of it. 100 ms are as long as usual checkpoints stop a guest at "
            + "most: it runs half of the time whatever it says.",
            OfEngine<int>((e, v) => e with { CheckpointIntervalMs = v })),
        new NumberRow("checkpoint_share", "checkpoints", EngineLimits.CheckpointShare, Verbs.Live,
            "Checkpoints that one connection may be the reason for within 10 s, 0 for any number. When it differs once "
            + "more, its frames leave unverified (keeps_differing) until the next checkpoint; it asks for one itself "
            + "after 10 s. 10 of 100 ms stop a guest for a tenth of the time.",
            OfEngine<int>((e, v) => e with { CheckpointShare = v })),
        new NumberRow("command_timeout_ms", "ms", RequesterLimits.CommandTimeoutMs, Verbs.Live,
            "How long the program of a command: requester may take; then it is killed with all that it has started.",
            (o, v) => o with { CommandTimeoutMs = v }),
        new ChoiceRow("requester_loss", ["bypass", Hold], Verbs.Run,
            "While no checkpoint can be had, because the requester does not answer or cannot be reached. bypass: connections that differ leave unverified, all others are compared and held as before; hold: they wait for a checkpoint.",
            OfEngine<string>((e, v) => e with { RequesterLoss = v == Hold ? RequesterLossPolicy.Hold : RequesterLossPolicy.Bypass })),
        new NumberRow("max_queue_size", "frames", EngineLimits.MaxQueueSize, Verbs.All,
            "Frames that one connection may hold, for each side; beyond, what is held leaves unverified, unless overflow is hold.",
            OfEngine<int>((e, v) => e with { MaxQueueSize = v })),
        new ChoiceRow("overflow", ["flush", Hold], Verbs.Run,
            "When a connection holds max_queue_size frames, or slots or flows run out. flush: what it holds leaves unverified, and a "
            + "checkpoint is asked for; hold: the primary is not read until there is room, its port counts what it loses meanwhile.",
            OfEngine<string>((e, v) => e with { Overflow = v == Hold ? OverflowPolicy.Hold : OverflowPolicy.Flush })),
        new ChoiceRow("secondary_loss", ["bypass", Hold], Verbs.Run,
            "While secondary_in has no link. bypass: the primary's frames leave unverified; hold: they wait for it and a checkpoint.",
            OfEngine<string>((e, v) => e with { SecondaryLoss = v == Hold ? SecondaryLossPolicy.Hold : SecondaryLossPolicy.Bypass })),
        new NumberListRow("cores", NumberedThing.Cpu, "the highest-numbered CPU allowed", Verbs.Live,
            "The CPUs that do the work, one thread pinned to each; empty: the highest-numbered one that the process may use.",
            (o, v) => o with { Cores = v }),
        new NumberListRow("xdp_queues", NumberedThing.Queue, "one for each core where all three ports are xdp:, else 0", Verbs.Live,
            "The queues of xdp: ports. One: its work is spread over the cores; several: as many as cores, each core runs one queue of each "
            + "port to completion. A port that captures may have no others (native-config/XDP.md, Several queues).",
            (o, v) => o with { XdpQueues = v }),
        new ChoiceRow("idle", ["adaptive", SpinThenPoll, Spin, Block], Verbs.Live,
            "What a thread does while no frame comes. adaptive: on a CPU that the kernel has isolated it looks on for as long as the last waits "
            + "say that it pays, at most 300 us, then sleeps until a frame comes; on any other CPU it sleeps at once, because the guests may "
            + "need the CPU; spin_then_poll: it always looks on for 300 us, then sleeps; spin: it never leaves its core; block: it sleeps at "
            + "once. Nothing wakes a thread that has no port of its own (with two cores or more): in the place of such a sleep it looks "
            + "every 0.1 ms.",
            (o, v) => o with
            {
                Idle = v switch
                {
                    SpinThenPoll => IdleStrategy.SpinThenPoll,
                    Spin => IdleStrategy.Spin,
                    Block => IdleStrategy.Block,
                    _ => IdleStrategy.Adaptive,
                },
            }),
        new NumberRow("shards", "", EngineLimits.Shards, Verbs.Live,
            "Sets of connections compared independently; with one queue and four cores or more, at least one for each core that compares. With "
            + "several queues, of each queue.",
            OfEngine<int>((e, v) => e with { Shards = v })),
        new NumberRow("flows", "connections", EngineLimits.Flows, Verbs.All,
            "Connections known at a time, all queues and shards together; the longest idle one makes room.",
            OfEngine<int>((e, v) => e with { Flows = v })),
        new NumberRow("slots", "frames", EngineLimits.SlotsPerSide, Verbs.All,
            "Frames of up to 2 KiB in memory, for each side of each queue.",
            OfEngine<int>((e, v) => e with { SlotsPerSide = v })),
        new NumberRow("large_slots", "frames", EngineLimits.LargeSlotsPerSide, Verbs.All,
            "Frames of up to 64 KiB in memory, for each side of each queue: jumbo frames, and guests with segmentation offload.",
            OfEngine<int>((e, v) => e with { LargeSlotsPerSide = v })),
        new NumberRow("capture_buffer", "MiB", PortLimits.BufferMiB, Verbs.Live,
            "The kernel's buffer of each live port that captures; it bridges the moments in which nobody reads.",
            (o, v) => o with { CaptureBufferMiB = v }),
        new NumberRow("snaplen", "bytes", PortLimits.SnapLength, Verbs.Live,
            "Longest frame that live ports capture; a longer one cannot be sent on whole and is counted as truncated.",
            (o, v) => o with { SnapLengthBytes = v }, zeroMeans: "what the interface's MTU needs"),
        new NumberRow("send_retry_ms", "ms", PortLimits.SendRetryMs, Verbs.Live,
            "How long a frame waits for room when outdev's queue is full; 0: it is lost at once. While a queue does not drain at all, "
            + "only the first frame waits.",
            (o, v) => o with { SendRetryMs = v }),
        new FlagRow("vnet_hdr_support", Verbs.Live,
            "Whether frames of stream: ports bear virtio-net headers, as QEMU's option of this name says of its filters. Each frame leaves with "
            + "its own. The same holds for all stream: ports, and for what a notify_dev: requester hears.",
            (o, v) => o with { HasVnetHeaders = v }),
        new ChoiceRow("on_death", ["wire", Block], Verbs.Live,
            "While no ColoWire takes the primary's frames, because it was killed, hangs or is upgraded. wire: the kernel sends them "
            + "straight to outdev, and drops the secondary's; block: nothing leaves uncompared.",
            (o, v) => o with { OnDeath = v == Block ? DeathPolicy.Block : DeathPolicy.Wire }),
        new NumberRow("failwire_timeout_ms", "ms", PortLimits.FailwireTimeoutMs, Verbs.Live,
            "How long ColoWire may be silent before it counts as dead; 0 stands for on_death block.",
            (o, v) => o with { FailwireTimeoutMs = v, OnDeath = v == 0 ? DeathPolicy.Block : o.OnDeath }, alsoZero: true),
        new ChoiceRow("xdp_mode", ["native", "native_copy", "generic"], Verbs.Live,
            "How xdp: ports get frames. native: in the driver, without a copy where it can; native_copy: in the driver, copied by the "
            + "kernel; generic: in the kernel's common code, on any interface, slower.",
            (o, v) => o with { XdpMode = v == "generic" ? XdpMode.Generic : XdpMode.Native, XdpCopy = v == "native_copy" }),
        new NumberRow("xdp_ring", "frames", PortLimits.XdpRingFrames, Verbs.Live,
            "Entries of each ring of an xdp: port, a power of two: what may come while nobody looks. They are slots of their side.",
            (o, v) => o with { XdpRingFrames = v }),
        new NumberRow("memory_limit", "MiB", MemoryLimitMiB, Verbs.All,
            "Refuse to start when slots, flows, shards and buffers together would take more than this.",
            (o, v) => o with { MemoryLimitMiB = v }),
        new SocketPathRow("control_socket", DefaultPaths.ControlSocket, Verbs.Live,
            "The unix socket where colowire ctl, or any HTTP client, sees how things stand and gives orders; its folder must exist.",
            (o, v) => o with { ControlSocket = v }),
        new FolderRow("failure_folder", DefaultPaths.FailureFolder, Verbs.Live,
            "Where ColoWire saves what made it fail itself: the stack, and the frames as a capture of each side, for its owner alone; the last 16 failures. "
            + "It must exist.",
            (o, v) => o with { FailureFolder = v }),
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

    /// <summary>Makes a setter of the appliance's options from one of the engine's.</summary>
    private static Func<ApplianceOptions, T, ApplianceOptions> OfEngine<T>(Func<EngineOptions, T, EngineOptions> set) =>
        (options, value) => options with { Engine = set(options.Engine, value) };
}
