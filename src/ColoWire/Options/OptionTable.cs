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
    public static readonly Range<int> MemoryLimitMiB = new(1, 1 << 20, 320);

    private const string ModeObserve = "observe";
    private const string Hold = "hold";
    private const string Mirror = "mirror";
    private const string Pass = "pass";
    private const string SpinThenPoll = "spin_then_poll";
    private const string Spin = "spin";
    private const string Block = "block";

    /// <summary>The options, in the order of the documents.</summary>
    public static IReadOnlyList<OptionRow> Rows { get; } =
    [
        new PortRow("primary_in", "pcap:primary0", Verbs.Live,
            "Where the primary's frames arrive.",
            (o, v) => o with { PrimaryIn = v }),
        new PortRow("secondary_in", "pcap:secondary0", Verbs.Live,
            "Where the secondary's frames arrive; they are compared and never leave.",
            (o, v) => o with { SecondaryIn = v }),
        new PortRow("outdev", "pcap:outside0", Verbs.Live, "Where the primary's frames leave.",
            (o, v) => o with { OutDevice = v }),
        new ChoiceRow("mode", ["lockstep", ModeObserve], Verbs.Run,
            "lockstep: a frame of the primary leaves when the secondary has sent the same data; observe: it leaves at once, "
            + "and differences are only reported.",
            OfEngine<string>((e, v) => e with { Mode = v == ModeObserve ? CompareMode.Observe : CompareMode.Lockstep })),
        new ChoiceRow("inbound", ["none", Mirror], Verbs.Run,
            "How frames of clients reach the replicas. none: past ColoWire, through a mirror on the "
            + "bridge host and a rewriter in "
            + "the secondary's QEMU; mirror: ColoWire captures them on outdev and sends each one to both "
            + "replicas, to the secondary "
            + "in its own sequence numbers. Three pcap: or xdp: ports are needed.",
            OfEngine<string>((e, v) => e with { Inbound = v == Mirror ? InboundMode.Mirror : InboundMode.None })),
        new AddressListRow("guest_mac", Verbs.Run,
            "The guest's MAC addresses, for inbound: mirror: unicast frames of clients to other "
            + "addresses reach no replica. None: "
            + "they are learned from the primary's frames.",
            OfEngine<IReadOnlyList<ulong>>((e, v) => e with { GuestAddresses = v.Count == 0 ? default : v.ToArray() })),
        new RequesterRow("requester", Verbs.Live,
            "Which program is asked for a checkpoint. qmp: the primary's QEMU; notify_dev: a program that uses the protocol "
            + "of QEMU's notify_dev, as COLO in Xen does; command: a program that is started for each request, and whose exit "
            + "code 0 means that the checkpoint is done; none: no program; a diverged connection is reported, and its frames "
            + "then leave unverified.",
            (o, v) => o with { Requester = v }),
        new NumberRow("compare_timeout", "ms", EngineLimits.CompareTimeoutMs, Verbs.All,
            "How long a frame waits for the same data of the other replica before its connection counts as diverged.",
            OfEngine<int>((e, v) => e with { CompareTimeoutMs = v })),
        new NumberRow("expired_scan_cycle", "ms", EngineLimits.ExpiredScanCycleMs, Verbs.All,
            "How often connections are searched for frames that have waited too long.",
            OfEngine<int>((e, v) => e with { ExpiredScanCycleMs = v })),
        new NumberRow("grace_ms", "ms", EngineLimits.GraceMs, Verbs.All,
            "How long a datagram may be late or out of order, and how long bytes that one replica has changed in a "
            + "retransmission may wait for those of the other, before that counts as a difference. 20 ms are a few scheduler "
            + "ticks of a busy host; a checkpoint that was not needed costs five times as much.",
            OfEngine<int>((e, v) => e with { GraceMs = v })),
        new NumberRow("reorder_window", "datagrams", EngineLimits.ReorderWindow, Verbs.All,
            "How many datagrams of the secondary may arrive before the one that the primary sent first. 64 datagrams are one "
            + "batch of a NIC or tap, within which several queues or CPUs may change the order.",
            OfEngine<int>((e, v) => e with { ReorderWindow = v })),
        new NumberRow("retransmit_window", "segments", EngineLimits.RetransmitWindow, Verbs.All,
            "Verified segments that each TCP connection keeps, to detect a retransmission with changed bytes; 0: none. 32 "
            + "segments are in flight at 40 Mbit/s and a round-trip time of 10 ms.",
            OfEngine<int>((e, v) => e with { RetransmitWindow = v })),
        new NumberRow("fragment_memory", "KiB", EngineLimits.FragmentMemoryKiB, Verbs.All,
            "Memory for fragments of incomplete datagrams, for each side of each queue; it is part of the side's slots, in "
            + "steps of 2 KiB. 4 MiB is the default of Linux (ipfrag_high_thresh).",
            OfEngine<int>((e, v) => e with { FragmentMemoryKiB = v })),
        new NumberRow("fragment_timeout_ms", "ms", EngineLimits.FragmentTimeoutMs, Verbs.All,
            "How long fragments wait for the rest of their datagram. A guest sends all fragments within microseconds: a "
            + "fragment that is missing after 1 s was lost on the way.",
            OfEngine<int>((e, v) => e with { FragmentTimeoutMs = v })),
        new ChoiceRow("rst", ["compare", Pass], Verbs.All,
            "What happens to an RST of the primary. compare: it leaves when the secondary has sent an RST too; pass: it "
            + "leaves at once, because it carries no data.",
            OfEngine<string>((e, v) => e with { Reset = v == Pass ? ResetPolicy.Pass : ResetPolicy.Compare })),
        new ChoiceRow("dup", [Hold, Pass], Verbs.All,
            "What happens to a datagram that only the primary sends again. hold: it waits until the secondary sends it again "
            + "too; pass: it leaves at once.",
            OfEngine<string>((e, v) => e with { Duplicate = v == Pass ? DuplicatePolicy.Pass : DuplicatePolicy.Hold })),
        new ChoiceRow("partial_checksums", ["complete", Pass], Verbs.Live,
            "Frames whose TCP or UDP checksum the guest has left to its NIC to complete, which a virtual NIC does not do. "
            + "complete: ColoWire completes the checksum, on both sides, before the frames are compared; pass: the frames leave "
            + "as they arrived, and receivers discard them.",
            OfEngine<string>(
                (e, v) => e with { PartialChecksums = v == Pass ? PartialChecksumPolicy.Pass : PartialChecksumPolicy.Complete })),
        new ToleratedFieldListRow("strict", Verbs.All,
            "Header fields in which a difference is a divergence; a difference in a field that is not named is only counted.",
            OfEngine<IReadOnlyList<ToleratedField>>((e, v) => e with { Strict = v })),
        new PolicyListRow("policies", Verbs.All,
            "Which connections are compared, passed or dropped: the first rule that matches applies. When no rule matches, "
            + "IGMP, SCTP, ESP and AH pass, and all other traffic is compared.",
            (o, v) => o with
            {
                Engine = o.Engine with { Policies = [.. v.Select(sentence => sentence.Rule)] },
                PolicyTexts = [.. v.Select(sentence => sentence.Text)],
            }),
        new NumberRow("checkpoint_retry_ms", "ms", EngineLimits.CheckpointRetryMs, Verbs.Live,
            "How long a checkpoint request may stay unanswered before it is sent again.",
            OfEngine<int>((e, v) => e with { CheckpointRetryMs = v })),
        new NumberRow("checkpoint_retries", "tries", EngineLimits.CheckpointRetries, Verbs.Live,
            "How often a request is sent again before the requester counts as lost; then the state is degraded, and "
            + "requester_loss applies.",
            OfEngine<int>((e, v) => e with { CheckpointRetries = v })),
        new NumberRow("checkpoint_max_ms", "ms", EngineLimits.CheckpointMaxMs, Verbs.Live,
            "How long a checkpoint may stop both guests, according to QEMU's events, before the checkpoint counts as broken "
            + "off and the requester as lost.",
            OfEngine<int>((e, v) => e with { CheckpointMaxMs = v })),
        new NumberRow("checkpoint_interval_ms", "ms", EngineLimits.CheckpointIntervalMs, Verbs.Live,
            "Least time from the end of a checkpoint to the next request; an operator's order is exempt. Differences that "
            + "occur sooner wait, and one checkpoint resolves all of them. Usual checkpoints stop a guest for 100 ms at most, "
            + "so that it runs at least half of the time even if it always differs.",
            OfEngine<int>((e, v) => e with { CheckpointIntervalMs = v })),
        new NumberRow("checkpoint_share", "checkpoints", EngineLimits.CheckpointShare, Verbs.Live,
            "Checkpoints that one connection may cause within 10 s; 0: any number. When it differs once more, its frames "
            + "leave unverified (keeps_differing) until the next checkpoint; after 10 s the connection causes one itself. 10 "
            + "checkpoints of 100 ms stop a guest for a tenth of the time.",
            OfEngine<int>((e, v) => e with { CheckpointShare = v })),
        new NumberRow("command_timeout_ms", "ms", RequesterLimits.CommandTimeoutMs, Verbs.Live,
            "How long the program of a command: requester may run; then it is killed with all processes that it has started.",
            (o, v) => o with { CommandTimeoutMs = v }),
        new ChoiceRow("requester_loss", ["bypass", Hold], Verbs.Run,
            "What happens while no checkpoint can be made, because the requester does not answer or cannot be reached. "
            + "bypass: frames of connections that differ leave unverified, all others are compared and held as before; hold: "
            + "frames of connections that differ wait for a checkpoint.",
            OfEngine<string>(
                (e, v) => e with { RequesterLoss = v == Hold ? RequesterLossPolicy.Hold : RequesterLossPolicy.Bypass })),
        new NumberRow("max_queue_size", "frames", EngineLimits.MaxQueueSize, Verbs.All,
            "Frames that one connection may hold, for each side. When there are more, the held frames leave unverified, "
            + "unless overflow is hold.",
            OfEngine<int>((e, v) => e with { MaxQueueSize = v })),
        new ChoiceRow("overflow", ["flush", Hold], Verbs.Run,
            "What happens when a connection holds max_queue_size frames, or when slots or flows run out. flush: the held "
            + "frames of the connection leave unverified, and a checkpoint is requested; hold: the primary's frames are not "
            + "read until there is room, and the port counts those that it loses.",
            OfEngine<string>((e, v) => e with { Overflow = v == Hold ? OverflowPolicy.Hold : OverflowPolicy.Flush })),
        new ChoiceRow("secondary_loss", ["bypass", Hold], Verbs.Run,
            "What happens while secondary_in has no link. bypass: the primary's frames leave unverified; hold: they wait for "
            + "the link and for a checkpoint.",
            OfEngine<string>(
                (e, v) => e with { SecondaryLoss = v == Hold ? SecondaryLossPolicy.Hold : SecondaryLossPolicy.Bypass })),
        new NumberListRow("cores", NumberedThing.Cpu, "the highest-numbered CPU allowed", Verbs.Live,
            "The CPUs on which ColoWire runs, one thread pinned to each; empty: the highest-numbered one that the process may "
            + "use.",
            (o, v) => o with { Cores = v }),
        new NumberListRow(
            "xdp_queues", NumberedThing.Queue, "one for each core where all three ports are xdp:, else 0", Verbs.Live,
            "The queues of xdp: ports. One: its work is spread over the cores; several: as many as cores, and each core "
            + "processes one queue of each port from end to end. A port that captures may have no other queues "
            + "(native-config/XDP.md, Several queues).",
            (o, v) => o with { XdpQueues = v }),
        new ChoiceRow("idle", ["adaptive", SpinThenPoll, Spin, Block], Verbs.Live,
            "What a thread does while no frame arrives. adaptive: on a CPU that the kernel has isolated it polls for as long "
            + "as the last waits suggest, at most 300 us, then sleeps until a frame arrives; on any other CPU it sleeps at "
            + "once, because the guests may need the CPU; spin_then_poll: it always polls for 300 us, then sleeps; spin: it "
            + "polls all the time; block: it sleeps at once. With two cores or more, no frame can wake a thread that has no "
            + "port of its own: instead of such a sleep it polls every 0.1 ms.",
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
            "Sets of connections that are compared independently. With one queue and four cores or more there is at least one "
            + "for each core that compares. With several queues it is the number for each queue.",
            OfEngine<int>((e, v) => e with { Shards = v })),
        new NumberRow("flows", "connections", EngineLimits.Flows, Verbs.All,
            "Connections known at a time, in all queues and shards together; when there is no room, a new connection replaces "
            + "the one that has been idle longest.",
            OfEngine<int>((e, v) => e with { Flows = v })),
        new NumberRow("slots", "frames", EngineLimits.SlotsPerSide, Verbs.All,
            "Slots for frames of up to 2 KiB in memory, for each side of each queue.",
            OfEngine<int>((e, v) => e with { SlotsPerSide = v })),
        new NumberRow("large_slots", "frames", EngineLimits.LargeSlotsPerSide, Verbs.All,
            "Slots for frames of up to 64 KiB in memory, for each side of each queue: for jumbo frames, and for guests with "
            + "segmentation offload.",
            OfEngine<int>((e, v) => e with { LargeSlotsPerSide = v })),
        new NumberRow("capture_buffer", "MiB", PortLimits.BufferMiB, Verbs.Live,
            "The kernel's buffer of each live port that captures; it holds the frames that arrive while ColoWire does not "
            + "read.",
            (o, v) => o with { CaptureBufferMiB = v }),
        new NumberRow("snaplen", "bytes", PortLimits.SnapLength, Verbs.Live,
            "Longest frame that live ports capture; a longer frame cannot be sent on whole and is counted as truncated.",
            (o, v) => o with { SnapLengthBytes = v }, zeroMeans: "what the interface's MTU needs"),
        new NumberRow("send_retry_ms", "ms", PortLimits.SendRetryMs, Verbs.Live,
            "How long a frame waits for room when the queue of outdev is full; 0: the frame is lost at once. While the queue "
            + "does not drain at all, only the first frame waits.",
            (o, v) => o with { SendRetryMs = v }),
        new FlagRow("vnet_hdr_support", Verbs.Live,
            "Whether frames of stream: ports have virtio-net headers, as the option of this name states for QEMU's filters. "
            + "Each frame leaves with its own header. It applies to all stream: ports, and to what a notify_dev: requester "
            + "receives.",
            (o, v) => o with { HasVnetHeaders = v }),
        new ChoiceRow("on_death", ["wire", Block], Verbs.Live,
            "What happens while no ColoWire takes the primary's frames, because it was killed, hangs or is being upgraded. "
            + "wire: the kernel sends them directly to outdev and drops the secondary's frames; block: no frame leaves "
            + "uncompared.",
            (o, v) => o with { OnDeath = v == Block ? DeathPolicy.Block : DeathPolicy.Wire }),
        new NumberRow("failwire_timeout_ms", "ms", PortLimits.FailwireTimeoutMs, Verbs.Live,
            "How long ColoWire may be silent before it counts as dead; 0: the same as on_death block.",
            (o, v) => o with { FailwireTimeoutMs = v, OnDeath = v == 0 ? DeathPolicy.Block : o.OnDeath }, alsoZero: true),
        new ChoiceRow("xdp_mode", ["native", "native_copy", "generic"], Verbs.Live,
            "How xdp: ports receive frames. native: in the driver, without a copy where the driver can; native_copy: in the "
            + "driver, with a copy by the kernel; generic: in the kernel's common code, on any interface, slower.",
            (o, v) => o with { XdpMode = v == "generic" ? XdpMode.Generic : XdpMode.Native, XdpCopy = v == "native_copy" }),
        new NumberRow("xdp_ring", "frames", PortLimits.XdpRingFrames, Verbs.Live,
            "Entries of each ring of an xdp: port, a power of two: the number of frames that can arrive between two polls. "
            + "The entries are slots of their side.",
            (o, v) => o with { XdpRingFrames = v }),
        new NumberRow("memory_limit", "MiB", MemoryLimitMiB, Verbs.All,
            "ColoWire refuses to start when slots, flows, shards and buffers together would take more memory than this.",
            (o, v) => o with { MemoryLimitMiB = v }),
        new SocketPathRow("control_socket", DefaultPaths.ControlSocket, Verbs.Live,
            "The unix socket on which colowire ctl, or any other HTTP client, reads the status and gives orders; its folder "
            + "must exist.",
            (o, v) => o with { ControlSocket = v }),
        new FolderRow("failure_folder", DefaultPaths.FailureFolder, Verbs.Live,
            "The folder in which ColoWire saves what made it fail: the stack, and the frames as a capture of each side, "
            + "readable by its owner alone; the last 16 failures. The folder must exist.",
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
