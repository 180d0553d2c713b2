// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Engine;

/// <summary>
/// Every limit of the engine with its derivation (R8). The configurable limits are in <see cref="EngineOptions"/>.
/// </summary>
public static class EngineLimits
{
    /// <summary>
    /// The size of a small slot in bytes: an Ethernet frame of 1514 bytes, two VLAN tags and an AF_XDP headroom of 256 bytes fit,
    /// and 2048 is one of the two chunk sizes that AF_XDP allows.
    /// </summary>
    public const int SmallSlotBytes = 2048;

    /// <summary>
    /// The size of a large slot in bytes: the longest frame, and a page for the bookkeeping of the longest datagram during its
    /// reassembly (65,535 bytes of payload, its headers, two bits for each 8 bytes of payload).
    /// </summary>
    public const int LargeSlotBytes = MaxFrameBytes + 4096;

    /// <summary>
    /// The longest accepted frame in bytes: the longest super-frame of Linux (gso_max_size 65,536, headers included); a longer
    /// frame is counted and never truncated.
    /// </summary>
    public const int MaxFrameBytes = 65_536;

    /// <summary>
    /// The size of a cache line in bytes, on every processor that .NET 10 supports with SIMD; descriptors and flows are aligned
    /// to it.
    /// </summary>
    public const int CacheLineBytes = 64;

    /// <summary>
    /// The maximum number of frames in a batch: enough to amortize the cost of a cursor, few enough for the L1 cache (64
    /// descriptors and headers are 8 KiB).
    /// </summary>
    public const int BatchFrames = 64;

    /// <summary>
    /// How many frames ahead payloads are prefetched: comparing a frame of 1500 bytes takes less time than loading it from
    /// memory, and two frames of each side have about as many cache lines as a core can have outstanding misses.
    /// </summary>
    public const int PrefetchLeadFrames = 2;

    /// <summary>
    /// The maximum number of VLAN tags: 802.1ad outer and 802.1Q inner. A third tag counts as an unknown ethertype.
    /// </summary>
    public const int MaxVlanTags = 2;

    /// <summary>
    /// The maximum number of IPv6 extension headers: a chain in the order recommended by RFC 8200 section 4.1 has at most seven;
    /// a longer chain counts as malformed.
    /// </summary>
    public const int MaxExtensionHeaders = 8;

    /// <summary>
    /// The maximum length in bytes of the headers before a fragment's payload: Ethernet and two tags (22) with the longest IPv4
    /// header (60), or with IPv6 (40), its fragment header (8) and 186 bytes of other extension headers; a segment routing header
    /// of ten hops has 168.
    /// </summary>
    public const int FragmentHeadroomBytes = 256;

    /// <summary>
    /// The maximum number of fragmented datagrams of a side, in reassembly or given up: the number of small slots in the default
    /// of <see cref="EngineOptions.FragmentMemoryKiB"/>. A further datagram replaces the oldest.
    /// </summary>
    public const int FragmentedDatagrams = 2048;

    /// <summary>
    /// The maximum number of verified ranges of a TCP flow. A flow usually has one; each primary frame that is lost before
    /// ColoWire adds another until it is retransmitted. A network with sixteen such losses within one round trip is not usable
    /// for this protection.
    /// </summary>
    public const int MaxVerifiedRanges = 16;

    /// <summary>
    /// The distance in bytes behind the latest verified byte up to which verified bytes are recorded: the largest window of RFC
    /// 7323.
    /// </summary>
    public const uint VerifiedBytes = 1u << 30;

    /// <summary>
    /// The maximum distance in bytes from the first to the last verified byte: less than the 2^31 that serial arithmetic can
    /// order (RFC 1982). It is 1.5 times <see cref="VerifiedBytes"/>, so that a long stream discards its beginning once per 512
    /// MiB and not with each segment.
    /// </summary>
    public const uint MaxVerifiedSpanBytes = VerifiedBytes + (VerifiedBytes / 2);

    /// <summary>The maximum distance of sequence numbers in one connection, in bytes: the largest window of RFC 7323.</summary>
    public const int MaxWindowBytes = 1 << 30;

    /// <summary>How long a client's frame waits for the port of a replica that takes none, in nanoseconds, before the frame is
    /// given up: longer than a NIC's queue needs to drain, shorter than a client's retransmission timeout (RFC 6298: 1
    /// s).</summary>
    public const long GuestPatienceNs = 20_000_000;

    /// <summary>How long the protection shows that a replica has missed a client's frame, in nanoseconds after the last one: as
    /// long as a client waits at least before its first retransmission (RFC 6298 section 2.4: 1 s), so that one full queue is one
    /// line in the log.</summary>
    public const long MirrorLossShowsNs = 1_000_000_000;

    /// <summary>The number of MAC addresses that a guest may have, for each shard that learns them.</summary>
    public const int GuestAddresses = 16;

    /// <summary>The number of places for MAC addresses from which clients' frames came; a power of 2.</summary>
    public const int WorldAddresses = 4096;

    /// <summary>The number of clients' frames that each shard keeps for the secondary while the secondary's numbers are not
    /// known: the frames that a client sends in the time by which the secondary answers later than the primary.</summary>
    public const int KeptClientFrames = 256;

    /// <summary>The number of free slots that the clients' capture duty lends each shard for translated copies.</summary>
    public const int SpareSlots = 4 * BatchFrames;

    /// <summary>The same for large slots, of which a side has few.</summary>
    public const int LargeSpareSlots = 4;

    /// <summary>How far a TCP stream advances, in bytes, between two tests of whether it has left its beginning by more than
    /// <see cref="MaxWindowBytes"/>: a power of 2, far less than the 2^30 bytes that remain until serial arithmetic (RFC 1982)
    /// inverts the order.</summary>
    public const uint BeginningTestBytes = 1 << 24;

    /// <summary>
    /// The distance in bytes from the last position in a stream beyond which a single segment counts as part of another
    /// connection between the same ports, and changes nothing. RFC 7323 permits larger windows, but no common system uses them; a
    /// second such segment in a row is accepted.
    /// </summary>
    public const int StrayBytes = 1 << 26;

    /// <summary>
    /// The maximum distance in bytes after a SYN of segments that may have overtaken it: the initial window of ten segments (RFC
    /// 6928), usually sent as one super-frame.
    /// </summary>
    public const uint OvertakenSynBytes = 1 << 16;

    /// <summary>
    /// The maximum number of segments that may have overtaken a SYN: more than the segments of a super-frame with an MSS of 536
    /// bytes, the default of RFC 9293 section 3.7.1.
    /// </summary>
    public const int OvertakenSynSegments = 128;

    /// <summary>
    /// The number of held frames of a flow from which on each new frame is indexed on arrival. Fewer frames are indexed together
    /// when a search first needs the index, which must fit into one poll.
    /// </summary>
    public const int IndexedAtOnce = 2048;

    /// <summary>
    /// The number of list steps of a search after which a flow gets an index: about as many as a search in an index of a thousand
    /// segments takes.
    /// </summary>
    public const int SegmentSearchSteps = 16;

    /// <summary>
    /// The maximum number of conflicting byte ranges in one segment that are examined, each sent again by both sides with other
    /// bytes than before. A segment with more counts as changed by the primary only. Each range costs two passes over the flow's
    /// cached frames.
    /// </summary>
    public const int ConflictsPerSegment = 16;

    /// <summary>
    /// How long a connection must have been silent, in nanoseconds, before a repeated single byte with another value can be a
    /// keepalive: the shortest interval that an application can choose (TCP_KEEPINTVL and TCP_KEEPIDLE of Linux: 1 s).
    /// </summary>
    public const long KeepaliveSilenceNs = 1_000_000_000;

    /// <summary>
    /// The minimum interval in nanoseconds between updates of a flow's position in the idle order: a precision of 50 ms suffices,
    /// and an update accesses the cache lines of two other flows.
    /// </summary>
    public const long IdleOrderGranularityNs = 50_000_000;

    /// <summary>
    /// The number of flows that the expired scan visits per poll, so that a scan of a million flows never blocks its core.
    /// </summary>
    public const int ScanFlowsPerPoll = 1024;

    /// <summary>
    /// The number of flows that fit the second-level cache: 1 MiB of records, half of which are accessed. More flows are
    /// prefetched.
    /// </summary>
    public const int CachedFlows = 2048;

    /// <summary>
    /// The maximum number of flows that an eviction examines for an idle one before the oldest overflows. A flow that holds
    /// frames is examined once until its next frame arrives, so a search usually takes one or two steps.
    /// </summary>
    public const int EvictionSteps = 64;

    /// <summary>
    /// The maximum number of steps of a poll that depend on the number of flows or of held frames: frames that are released or
    /// dropped together, flows that a flush visits, records that a search visits. 4096 steps take about 0.2 ms, less than the
    /// shortest period in which the core's heartbeat is expected (failwire_timeout_ms, at least 1 ms). Ordinary frames need two
    /// or three steps each.
    /// </summary>
    public const int StepsPerPoll = 4096;

    /// <summary>The maximum number of batches of slots that are returned from a ring in one poll: by default all slots.</summary>
    public const int HomeBatchesPerPoll = 256;

    /// <summary>
    /// The number of flushes whose reason is recorded for flows that have yet to apply them; there is one flush per checkpoint.
    /// </summary>
    public const int RememberedFlushes = 8;

    /// <summary>
    /// The divisor of the secondary's slots that gives the maximum number of cached verified frames; the other slots are for
    /// frames that are not verified yet.
    /// </summary>
    public const int RetransmitSlotsDivisor = 4;

    /// <summary>
    /// The number of cached frames of a flow up to which a search is linear; over more frames it builds an index.
    /// </summary>
    public const int RetransmitSearchSteps = 32;

    /// <summary>
    /// The maximum distance in bytes of a frame from the centre of an index over cached frames: two frames in the index are then
    /// less than 2^31 bytes apart, so that serial arithmetic orders them (RFC 1982).
    /// </summary>
    public const uint RetransmitIndexReachBytes = 1u << 29;

    /// <summary>
    /// The maximum number of quarantined flows, each of which has made a duty fail: more than twenty times as many failures as
    /// end the process when they occur within ten seconds. A further flow replaces the oldest. The search for a new flow among
    /// them is linear.
    /// </summary>
    public const int QuarantinedFlows = 64;

    /// <summary>
    /// The number of frames of each side that are copied from a flow that has made a duty fail: the last ones that it held, one
    /// batch.
    /// </summary>
    public const int CulpritFrames = BatchFrames;

    /// <summary>
    /// The minimum interval in nanoseconds between two searches of a shard for frames to release, because released slots are free
    /// only after egress has sent their frames.
    /// </summary>
    public const long ReliefIntervalNs = 1_000_000;

    /// <summary>
    /// How long after the start of an epoch without a checkpoint a frame may lack its twin, in nanoseconds, because the twin
    /// arrived before the epoch; <c>grace_ms</c> where that is longer. The ports' rings hold 4,096 frames, which is 8 ms at
    /// 500,000 frames per second.
    /// </summary>
    public const long FreshEpochSettlesNs = 10_000_000;

    /// <summary>
    /// The minimum ratio of the rate at which a backlog of frames is read from a port to the rate of their arrival.
    /// </summary>
    public const int LeastCatchUpFactor = 4;

    /// <summary>
    /// How long after the event that both replicas are stopped their earlier frames may still arrive, in nanoseconds: the latency
    /// of a frame through taps, bridges and rings, minus that of the event through a socket. The shortest measured checkpoint
    /// stops both replicas for 5 ms, so no frame that was sent after the checkpoint can arrive within this time.
    /// </summary>
    public const long StopSettlesNs = 1_000_000;

    /// <summary>
    /// The period in nanoseconds in which a flow may cause <see cref="EngineOptions.CheckpointShare"/> checkpoints, and for which
    /// its frames are sent unverified once it has used them up: longer than a burst of differences, short compared with the life
    /// of a connection.
    /// </summary>
    public const long CheckpointShareNs = 10_000_000_000;

    /// <summary>
    /// The capacity of the ring of divergence reports: one for each frame of a poll's two batches, and as many again for its
    /// scan. A report that finds the ring full is counted as lost, and its flow is held nevertheless.
    /// </summary>
    public const int ReportRingEntries = 4 * BatchFrames;

    /// <summary>
    /// The number of bytes from the start of a frame that a report copies: Ethernet, two tags, IPv6 with an extension header, TCP
    /// with options.
    /// </summary>
    public const int SnapshotHeadBytes = 160;

    /// <summary>
    /// The number of bytes around the difference that a report copies: four lines of a hexdump before and after it.
    /// </summary>
    public const int SnapshotWindowBytes = 128;

    /// <summary>Range of <see cref="EngineOptions.SlotsPerSide"/>.</summary>
    public static readonly Range<int> SlotsPerSide = new(64, 1 << 22, 16_384);

    /// <summary>Range of <see cref="EngineOptions.LargeSlotsPerSide"/>.</summary>
    public static readonly Range<int> LargeSlotsPerSide = new(0, 1 << 16, 256);

    /// <summary>Range of <see cref="EngineOptions.Flows"/>, all pipelines and shards together.</summary>
    public static readonly Range<int> Flows = new(16, 1 << 24, 131_072);

    /// <summary>Range of <see cref="EngineOptions.Shards"/>.</summary>
    public static readonly Range<int> Shards = new(1, 64, 1);

    /// <summary>Range of <see cref="EngineOptions.MaxQueueSize"/>, frames per flow and side; QEMU's default.</summary>
    public static readonly Range<int> MaxQueueSize = new(1, 1 << 20, 1024);

    /// <summary>Range of <see cref="EngineOptions.CompareTimeoutMs"/>; QEMU's default.</summary>
    public static readonly Range<int> CompareTimeoutMs = new(1, 600_000, 3000);

    /// <summary>
    /// Range of <see cref="EngineOptions.ExpiredScanCycleMs"/>. Shorter than QEMU's 3000 ms, because a scan takes microseconds.
    /// </summary>
    public static readonly Range<int> ExpiredScanCycleMs = new(1, 600_000, 1000);

    /// <summary>
    /// Range of <see cref="EngineOptions.GraceMs"/>. 20 ms: a twin that another virtual CPU sends, or that the bridge queued,
    /// arrives within a few scheduler ticks (4 ms each); an unnecessary checkpoint takes five times as long.
    /// </summary>
    public static readonly Range<int> GraceMs = new(0, 600_000, 20);

    /// <summary>
    /// Range of <see cref="EngineOptions.ReorderWindow"/>. 64: the size of a batch of a NIC or of a tap queue, within which
    /// several queues or CPUs may reorder frames; a larger distance between two twins is no reordering.
    /// </summary>
    public static readonly Range<int> ReorderWindow = new(0, 1 << 16, 64);

    /// <summary>
    /// Range of <see cref="EngineOptions.RetransmitWindow"/>. A sender has about 32 segments in flight on a path of 10 ms at 40
    /// Mbit/s; a longer retransmission repeats the same bytes in order, so its first segments suffice for the check.
    /// </summary>
    public static readonly Range<int> RetransmitWindow = new(0, 4096, 32);

    /// <summary>
    /// Range of <see cref="EngineOptions.FragmentMemoryKiB"/>. The default of 4 MiB is that of Linux's
    /// net.ipv4.ipfrag_high_thresh.
    /// </summary>
    public static readonly Range<int> FragmentMemoryKiB = new(256, 1 << 20, 4096);

    /// <summary>
    /// Range of <see cref="EngineOptions.FragmentTimeoutMs"/>. A guest sends all fragments of a datagram within microseconds: a
    /// fragment that is missing after one second was lost before ColoWire.
    /// </summary>
    public static readonly Range<int> FragmentTimeoutMs = new(1, 600_000, 1000);

    /// <summary>Range of <see cref="EngineOptions.CheckpointRetryMs"/>.</summary>
    public static readonly Range<int> CheckpointRetryMs = new(10, 600_000, 3000);

    /// <summary>
    /// Range of <see cref="EngineOptions.CheckpointRetries"/>. 2: with the default of checkpoint_retry_ms the request fails after
    /// 9 s, which is shorter than the time that TCP connections survive (R2 of RFC 1122 section 4.2.3.5: at least 100 s) and
    /// longer than a busy hypervisor takes to respond.
    /// </summary>
    public static readonly Range<int> CheckpointRetries = new(0, 1000, 2);

    /// <summary>
    /// Range of <see cref="EngineOptions.CheckpointMaxMs"/>. 15 s: three times the longest expected checkpoint, 5 s. No frame
    /// arrives while both replicas are stopped, so giving up a longer checkpoint too early has no effect except the state
    /// "degraded" until the checkpoint ends.
    /// </summary>
    public static readonly Range<int> CheckpointMaxMs = new(10, 600_000, 15_000);

    /// <summary>
    /// Range of <see cref="EngineOptions.CheckpointIntervalMs"/>. 100 ms: as long as the longest usual checkpoint stops a guest,
    /// so that the guest runs for at least half of the time, even when its replicas differ continuously; a connection that
    /// differs rarely is hardly ever delayed by it.
    /// </summary>
    public static readonly Range<int> CheckpointIntervalMs = new(0, 60_000, 100);

    /// <summary>
    /// Range of <see cref="EngineOptions.CheckpointShare"/>; 0 for no limit. Ten checkpoints of 100 ms in
    /// <see cref="CheckpointShareNs"/> stop a guest for a tenth of the time.
    /// </summary>
    public static readonly Range<int> CheckpointShare = new(0, 1000, 10);
}

/// <summary>The range and the default of an option.</summary>
/// <param name="Minimum">The smallest allowed value.</param>
/// <param name="Maximum">The greatest allowed value.</param>
/// <param name="Default">The value when the option is not set.</param>
public readonly record struct Range<T>(T Minimum, T Maximum, T Default)
    where T : struct, System.IComparable<T>
{
    /// <summary>Whether a value is allowed.</summary>
    public bool Contains(T value) => value.CompareTo(Minimum) >= 0 && value.CompareTo(Maximum) <= 0;
}
