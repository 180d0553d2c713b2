// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine;

namespace ColoWire.Ports;

/// <summary>Every bound of the ports, and how it was derived (R8).</summary>
public static class PortLimits
{
    /// <summary>Range of the kernel's buffer of a <c>pcap:</c> capture, in MiB. 16 hold about 7,000 frames: 20 ms at 350,000
    /// frames/s.</summary>
    public static readonly Range<int> BufferMiB = new(1, 1024, 16);

    /// <summary>Range of the bytes captured of a frame: from the shortest Ethernet frame to the longest one that the engine
    /// carries. By default what the interface's MTU needs, and at least the default given here: two such frames fit a page of the
    /// ring.</summary>
    public static readonly Range<int> SnapLength = new(64, EngineLimits.MaxFrameBytes, 2048);

    /// <summary>Bytes of a frame beyond the MTU: the Ethernet header and two VLAN tags.</summary>
    public const int LinkHeaderBytes = 14 + (EngineLimits.MaxVlanTags * 4);

    /// <summary>How often a port reads the kernel's drop counters, in ns: some file reads each time.</summary>
    public const long StatisticsCycleNs = 200_000_000;

    /// <summary>How often a port reads the state of its link, in ns: one system call each time. A frame that is sent without
    /// carrier is lost without an error until the kernel reports the loss of carrier, up to a second later; this adds little to
    /// that.</summary>
    public const long LinkCycleNs = 10_000_000;

    /// <summary>Frames that one system call sends: as many as the egress duty hands to a port at a time. The call then costs some
    /// nanoseconds per frame.</summary>
    public const int SendFrames = EngineLimits.BatchFrames;

    /// <summary>Range of how long a frame waits for room in a full send queue before it counts as lost, in ms. 100 is longer than
    /// a queue that drains is full, and shorter than a client's retransmission timeout; 0 drops at once.</summary>
    public static readonly Range<int> SendRetryMs = new(0, 10_000, 100);

    /// <summary>Range of the entries of each AF_XDP ring; a power of two. The ring bridges the time in which its reader does not
    /// run: 2048 entries last 4 ms at 500,000 frames/s. Larger rings do not fit the caches: with 8192 entries the throughput of
    /// 1500-byte frames is a third less.</summary>
    public static readonly Range<int> XdpRingFrames = new(64, 32_768, 2048);

    /// <summary>Range of the heartbeat timeout, in ms: without a heartbeat for so long, frames bypass ColoWire. 0 is allowed,
    /// too, and disables the bypass. 20: a busy host preempts a thread for less, and a client's shortest retransmission timeout
    /// (200 ms) is ten times that. 2 are eight heartbeat cycles.</summary>
    public static readonly Range<int> FailwireTimeoutMs = new(2, 10_000, 20);

    /// <summary>By how much the timestamps of a capture may go back and still be out of order only, in ns: the queues of a NIC
    /// are written one after the other, milliseconds apart. Where they go back by more, the clock was set back.</summary>
    public const long CaptureDisorderNs = 1_000_000_000;

    /// <summary>How long the writer of a capture waits for the reader of a named pipe, in ms: enough where both are started at
    /// the same time.</summary>
    public const int PipeReaderPatienceMs = 10_000;

    /// <summary>The pause between two tries to open the pipe, in ms.</summary>
    public const int PipeReaderLookMs = 20;

    /// <summary>How often the upkeep thread checks the interfaces and the programs on them, in ms: an error is noticed, and
    /// corrected where that is possible, well within a second.</summary>
    public const int UpkeepMs = 100;

    /// <summary>The time between two readings of a heartbeat that show whether its process runs, in ms: 200 heartbeat cycles, and
    /// less than the 100 ms after which systemd starts a killed service again.</summary>
    public const int BeatLookMs = 50;

    /// <summary>How long the heartbeat of another ColoWire that has taken an interface over may be missing before it counts as
    /// dead and the interface is taken back, in ms: longer than a restart of the service takes. After a handover there is no such
    /// wait.</summary>
    public const int TakeBackMs = 2000;

    /// <summary>How long a port retries to bind a queue that is in use, in ms: the kernel frees the queue of a process that has
    /// ended some 80 ms later.</summary>
    public const int RebindMs = 1000;

    /// <summary>The pause between two tries to bind, in ms.</summary>
    public const int RebindPauseMs = 5;

    /// <summary>Bytes that a stream port receives or sends in one system call: two of the longest frames, or 1,900 of the
    /// shortest, for each of which the call then costs less than a nanosecond. The buffer fits the second-level cache, and a
    /// socket holds little more (net.core.wmem_default, 208 KiB with the kernel's overhead).</summary>
    public const int StreamBufferBytes = 128 << 10;

    /// <summary>The pause before a lost connection is made again, in ms: a peer that restarts is connected soon after it is back,
    /// and one that stays away costs ten tries a second.</summary>
    public const int ReconnectMs = 100;

    /// <summary>Connections that the kernel queues for a server until it accepts them, which it does at once. Linux allows 4096
    /// at most (net.core.somaxconn); more than these within a scheduler tick are not peers.</summary>
    public const int ListenBacklog = 128;

    /// <summary>Seconds of silence after which TCP probes a peer, and between two probes (TCP_KEEPIDLE and TCP_KEEPINTVL,
    /// tcp(7)).</summary>
    public const int KeepAliveSeconds = 1;

    /// <summary>Unanswered probes after which the connection is lost (TCP_KEEPCNT, tcp(7)): after 4 s, with the above, about
    /// compare_timeout.</summary>
    public const int KeepAliveProbes = 3;
}
