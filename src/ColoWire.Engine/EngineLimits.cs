// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Engine;

/// <summary>Every bound of the engine with its derivation (R8). What an operator may choose stands in <see cref="EngineOptions"/>.</summary>
public static class EngineLimits
{
    /// <summary>A small slot, in bytes: an Ethernet frame of 1514 bytes, two VLAN tags and an AF_XDP headroom of 256 fit, and
    /// 2048 is one of the two chunk sizes that AF_XDP allows.</summary>
    public const int SmallSlotBytes = 2048;

    /// <summary>A large slot, in bytes: the longest frame, and a page for what is kept beside the longest datagram while it is put
    /// together from fragments (65,535 bytes of payload, its headers, two bits for each 8 bytes of it).</summary>
    public const int LargeSlotBytes = MaxFrameBytes + 4096;

    /// <summary>Longest frame that is carried: the longest super-frame that Linux makes (gso_max_size 65,536 with its headers); a longer
    /// one is counted, never cut.</summary>
    public const int MaxFrameBytes = 65_536;

    /// <summary>Bytes of a cache line on every processor that .NET 10 runs on with SIMD; descriptors and flows are aligned to it.</summary>
    public const int CacheLineBytes = 64;

    /// <summary>Frames that a duty takes in one go: enough to spread the cost of a cursor, few enough to stay in the L1 cache
    /// (64 descriptors and headers are 8 KiB).</summary>
    public const int BatchFrames = 64;

    /// <summary>How many frames ahead payloads are fetched: a frame of 1500 bytes is compared faster than it comes from memory, and two of
    /// each side are as many cache lines as a core can wait for.</summary>
    public const int PrefetchLeadFrames = 2;

    /// <summary>VLAN tags that are understood: 802.1ad outer and 802.1Q inner. A third makes the frame an unknown ethertype.</summary>
    public const int MaxVlanTags = 2;

    /// <summary>IPv6 extension headers that are walked: RFC 8200 section 4.1 recommends seven at most; a longer chain is malformed
    /// for a comparer.</summary>
    public const int MaxExtensionHeaders = 8;

    /// <summary>Bytes of headers before a fragment's payload: Ethernet and two tags (22) with the longest IPv4 header (60), or with IPv6
    /// (40), its fragment header (8) and 186 bytes of other extension headers; a segment routing header of ten hops has 168.</summary>
    public const int FragmentHeadroomBytes = 256;

    /// <summary>Datagrams of a side that are put together or were given up: as many as the default of
    /// <see cref="EngineOptions.FragmentMemoryKiB"/> has small slots. One more makes the oldest go.</summary>
    public const int FragmentedDatagrams = 2048;

    /// <summary>Verified ranges that a TCP flow remembers: one is the rule; each frame of the primary that is lost on the way here makes
    /// another until it is sent again. Sixteen such losses within one round trip are no wire that one protects a guest over.</summary>
    public const int MaxVerifiedRanges = 16;

    /// <summary>How far behind the latest verified byte others are remembered: no window is larger (RFC 7323).</summary>
    public const uint VerifiedBytes = 1u << 30;

    /// <summary>Bytes from the first verified byte to the last one at most: less than the 2^31 that serial arithmetic can tell apart
    /// (RFC 1982). Half as much again as is remembered, so that a long stream forgets its beginning once in 512 MiB and not with each
    /// segment.</summary>
    public const uint MaxVerifiedSpanBytes = VerifiedBytes + (VerifiedBytes / 2);

    /// <summary>Sequence numbers farther apart than this belong to another connection: the largest window of RFC 7323.</summary>
    public const int MaxWindowBytes = 1 << 30;

    /// <summary>A single segment farther than this from the last position in its stream counts as part of another connection
    /// between the same ports, and changes nothing. RFC 7323 permits larger windows, but no common system uses them; a second
    /// such segment in a row is believed.</summary>
    public const int StrayBytes = 1 << 26;

    /// <summary>How far behind a SYN segments stand that may have overtaken it: what a guest sends before it hears anything, ten
    /// segments (RFC 6928), most often as one super-frame.</summary>
    public const uint OvertakenSynBytes = 1 << 16;

    /// <summary>How many of them may have: more than a super-frame cut at the least MSS of RFC 9293 (536) makes of that.</summary>
    public const int OvertakenSynSegments = 128;

    /// <summary>From this number of waiting frames on, each further frame of a flow goes into an index as it comes. Fewer are
    /// indexed all at once when the first search needs it, which must not take longer than a poll may.</summary>
    public const int IndexedAtOnce = 2048;

    /// <summary>Segments that a search in a flow's list passes before the flow gets an index: about as many as a search in the index of
    /// a thousand passes.</summary>
    public const int SegmentSearchSteps = 16;

    /// <summary>Runs of bytes in one segment that both sides have said again otherwise than before, which are looked at: more make the
    /// segment wait as one that only the primary has changed. Each costs two walks over what the flow keeps.</summary>
    public const int ConflictsPerSegment = 16;

    /// <summary>How long nothing must have been said before a single byte that is said again, and is another one, can be a keepalive: the
    /// shortest interval that an application can choose (TCP_KEEPINTVL, TCP_KEEPIDLE: 1 s).</summary>
    public const long KeepaliveSilenceNs = 1_000_000_000;

    /// <summary>A flow's place in the order of idleness is refreshed at most this often: its exact place within 50 ms matters to
    /// nobody, and a refresh touches two other flows' cache lines.</summary>
    public const long IdleOrderGranularityNs = 50_000_000;

    /// <summary>Flows that the expired scan visits per poll, so that a scan of a million never blocks its core.</summary>
    public const int ScanFlowsPerPoll = 1024;

    /// <summary>Flows that the caches hold by themselves: 1 MiB of records, half of which are touched, fit a second-level cache. Where
    /// there are more, they are fetched ahead.</summary>
    public const int CachedFlows = 2048;

    /// <summary>Oldest flows that are looked at for an idle one before the oldest must overflow. Each that holds frames is looked at once
    /// until a frame finds it again, so that a search takes one or two.</summary>
    public const int EvictionSteps = 64;

    /// <summary>Steps of a poll that grow with what flows hold and with their number: frames that leave or go home together, flows that a
    /// flush reaches, records that a search meets. About 0.2 ms: whoever waits for this core's beat (failwire_timeout_ms, at least 1) does
    /// not wait in vain. Ordinary frames need two or three each.</summary>
    public const int StepsPerPoll = 4096;

    /// <summary>Batches of slots that come home from a ring in one poll: all slots that there are by default.</summary>
    public const int HomeBatchesPerPoll = 256;

    /// <summary>Flushes of which the reason is known for flows that they have not reached yet: they come once per checkpoint.</summary>
    public const int RememberedFlushes = 8;

    /// <summary>Verified frames are kept in at most this part of the secondary's slots: the rest is for what is not verified yet.</summary>
    public const int KeptSlotsDivisor = 4;

    /// <summary>Up to this number, a search looks at the kept frames of a flow one by one; over more than that it builds an
    /// index.</summary>
    public const int KeptSearchSteps = 32;

    /// <summary>How far from its centre a frame in an index over kept frames may begin: two frames in it are then less than 2^31
    /// bytes apart, so that serial arithmetic orders them (RFC 1982).</summary>
    public const uint KeptIndexReachBytes = 1u << 29;

    /// <summary>Flows that are not compared any more because each has made a duty fail: more than twenty times as many as end the
    /// process when they come within ten seconds. One more pushes the oldest out. A new flow is looked up among them one by
    /// one.</summary>
    public const int QuarantinedFlows = 64;

    /// <summary>Frames of each side that are kept of a flow that has made a duty fail: the last ones that it held, one
    /// batch.</summary>
    public const int CulpritFrames = BatchFrames;

    /// <summary>Slots that ran out are not back at once: a shard does not search for more to release more often than this.</summary>
    public const long ReliefIntervalNs = 1_000_000;

    /// <summary>For how long after the beginning of an epoch without a checkpoint a frame may lack its twin, because the twin
    /// came before the epoch; <c>grace_ms</c> where that is longer. The ports' rings hold 4,096 frames, which is 8 ms at 500,000
    /// frames a second.</summary>
    public const long FreshEpochSettlesNs = 10_000_000;

    /// <summary>Frames that waited unread in a port are read at least this many times as fast as they arrived.</summary>
    public const int LeastCatchUpFactor = 4;

    /// <summary>How long after the news that both replicas are stopped frames still come that they sent before: the way of a frame through
    /// taps, bridges and rings, against that of the news through a socket. The shortest checkpoint measured keeps both stopped for 5 ms, so
    /// that nothing can come yet that they say after it.</summary>
    public const long StopSettlesNs = 1_000_000;

    /// <summary>The time within which a flow may cause <see cref="EngineOptions.CheckpointShare"/> checkpoints, and for which it leaves
    /// unverified when it has used them up: long enough that a burst of differences is no habit, short against the life of a connection.
    /// </summary>
    public const long CheckpointShareNs = 10_000_000_000;

    /// <summary>Divergence reports that wait for the gate: one for each frame of a poll's two batches, and as many again for its
    /// scan; one that finds no room is counted and its flow still held.</summary>
    public const int ReportRingEntries = 4 * BatchFrames;

    /// <summary>Bytes of a frame's front that a report keeps: Ethernet, two tags, IPv6 with an extension header, TCP with options.</summary>
    public const int SnapshotHeadBytes = 160;

    /// <summary>Bytes around the difference that a report keeps: four lines of a hexdump before and after.</summary>
    public const int SnapshotWindowBytes = 128;

    /// <summary>Range of <see cref="EngineOptions.SlotsPerSide"/>.</summary>
    public static readonly Range<int> SlotsPerSide = new(64, 1 << 22, 16_384);

    /// <summary>Range of <see cref="EngineOptions.LargeSlotsPerSide"/>.</summary>
    public static readonly Range<int> LargeSlotsPerSide = new(0, 1 << 16, 256);

    /// <summary>Range of <see cref="EngineOptions.Flows"/>, all lanes and shards together.</summary>
    public static readonly Range<int> Flows = new(16, 1 << 24, 131_072);

    /// <summary>Range of <see cref="EngineOptions.Shards"/>.</summary>
    public static readonly Range<int> Shards = new(1, 64, 1);

    /// <summary>Range of <see cref="EngineOptions.MaxQueueSize"/>, frames per flow and side; QEMU's default.</summary>
    public static readonly Range<int> MaxQueueSize = new(1, 1 << 20, 1024);

    /// <summary>Range of <see cref="EngineOptions.CompareTimeoutMs"/>; QEMU's default.</summary>
    public static readonly Range<int> CompareTimeoutMs = new(1, 600_000, 3000);

    /// <summary>Range of <see cref="EngineOptions.ExpiredScanCycleMs"/>; finer than QEMU's 3000, a scan costs microseconds.</summary>
    public static readonly Range<int> ExpiredScanCycleMs = new(1, 600_000, 1000);

    /// <summary>Range of <see cref="EngineOptions.GraceMs"/>. 20 ms: a twin that another virtual CPU sends, or that the bridge queued,
    /// comes within a few scheduler ticks (4 ms each); a checkpoint that was not needed costs five times as much.</summary>
    public static readonly Range<int> GraceMs = new(0, 600_000, 20);

    /// <summary>Range of <see cref="EngineOptions.ReorderWindow"/>. 64: as many as one batch of a NIC or a tap queue holds, within
    /// which several queues or CPUs may shuffle; more than that between two twins is no reordering.</summary>
    public static readonly Range<int> ReorderWindow = new(0, 1 << 16, 64);

    /// <summary>Range of <see cref="EngineOptions.RetransmitWindow"/>. 32 segments are what a sender has in flight on a path of 10 ms
    /// at 40 Mbit/s, and a client that lost more is sent the same bytes in the same order, so that the first ones tell.</summary>
    public static readonly Range<int> RetransmitWindow = new(0, 4096, 32);

    /// <summary>Range of <see cref="EngineOptions.FragmentMemoryKiB"/>; 4 MiB is Linux's ipfrag_high_thresh.</summary>
    public static readonly Range<int> FragmentMemoryKiB = new(256, 1 << 20, 4096);

    /// <summary>Range of <see cref="EngineOptions.FragmentTimeoutMs"/>. A guest sends all fragments of a datagram within microseconds:
    /// one that is missing after a second was lost on the way here.</summary>
    public static readonly Range<int> FragmentTimeoutMs = new(1, 600_000, 1000);

    /// <summary>Range of <see cref="EngineOptions.CheckpointRetryMs"/>.</summary>
    public static readonly Range<int> CheckpointRetryMs = new(10, 600_000, 3000);

    /// <summary>Range of <see cref="EngineOptions.CheckpointRetries"/>. Twice: with the default of checkpoint_retry_ms 9 s, shorter than
    /// what TCP connections bear (R2 of RFC 1122 section 4.2.3.5: 100 s), longer than a hypervisor that is only busy stays silent.</summary>
    public static readonly Range<int> CheckpointRetries = new(0, 1000, 2);

    /// <summary>Range of <see cref="EngineOptions.CheckpointMaxMs"/>. 15 s: three times the longest checkpoint that is expected to end, 5 s;
    /// while both stand no frame comes, so a longer one that is given up early costs nothing but the word "degraded" until it ends.</summary>
    public static readonly Range<int> CheckpointMaxMs = new(10, 600_000, 15_000);

    /// <summary>Range of <see cref="EngineOptions.CheckpointIntervalMs"/>. 100 ms: as long as the longest usual checkpoints keep a guest
    /// stopped, so that it runs at least half of the time whatever it says; a connection that differs seldom meets it almost never.</summary>
    public static readonly Range<int> CheckpointIntervalMs = new(0, 60_000, 100);

    /// <summary>Range of <see cref="EngineOptions.CheckpointShare"/>; 0 for any number. Ten checkpoints of 100 ms in
    /// <see cref="CheckpointShareNs"/> stop a guest for a tenth of the time.</summary>
    public static readonly Range<int> CheckpointShare = new(0, 1000, 10);
}

/// <summary>What an option may be.</summary>
/// <param name="Minimum">Least value allowed.</param>
/// <param name="Maximum">Greatest value allowed.</param>
/// <param name="Default">Value when nothing is said.</param>
public readonly record struct Range<T>(T Minimum, T Maximum, T Default)
    where T : struct, System.IComparable<T>
{
    /// <summary>Whether a value is allowed.</summary>
    public bool Contains(T value) => value.CompareTo(Minimum) >= 0 && value.CompareTo(Maximum) <= 0;
}
