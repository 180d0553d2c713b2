// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine;

namespace ColoWire.Ports;

/// <summary>Every bound of the ports with its derivation (R8).</summary>
public static class PortLimits
{
    /// <summary>Range of the kernel's buffer of a live port, in MiB: 16 hold about 7,000 frames, 20 ms at 350,000 a second.</summary>
    public static readonly Range<int> BufferMiB = new(1, 1024, 16);

    /// <summary>Range of the bytes captured of a frame: from the shortest Ethernet frame to the longest that the engine carries. The
    /// default is what the interface's MTU needs, at least the one given here: a ring of pages holds two such frames in each.</summary>
    public static readonly Range<int> SnapLength = new(64, EngineLimits.MaxFrameBytes, 2048);

    /// <summary>Bytes of a frame beyond the MTU: the Ethernet header and two VLAN tags.</summary>
    public const int LinkHeaderBytes = 14 + (EngineLimits.MaxVlanTags * 4);

    /// <summary>How often a port reads the kernel's counters, which costs some file reads.</summary>
    public const long StatisticsCycleNs = 200_000_000;

    /// <summary>How often a port looks whether its link is up, at one system call. A frame that is sent into a link without carrier
    /// is lost in silence until the kernel tells of it, up to a second late; this adds little to that.</summary>
    public const long LinkCycleNs = 10_000_000;

    /// <summary>Frames that one system call sends: as many as the egress duty hands on at a time. The call itself then costs each of them
    /// some nanoseconds.</summary>
    public const int SendFrames = EngineLimits.BatchFrames;

    /// <summary>Range of how long a frame waits for room in a full send queue before it counts as lost, in ms. 100: longer than any queue
    /// that drains takes, shorter than a client's retransmission; 0 drops at once.</summary>
    public static readonly Range<int> SendRetryMs = new(0, 10_000, 100);

    /// <summary>Range of the entries of an AF_XDP ring; a power of two. It bridges the moments in which nobody reads, in slots that lie
    /// ready for it: 2048 are 4 ms at 500,000 frames a second. More do not fit the caches: with rings of 8192 frames of 1500 bytes come a
    /// third slower.</summary>
    public static readonly Range<int> XdpRingFrames = new(64, 32_768, 2048);

    /// <summary>Range of how long ColoWire may be silent before frames go past it, in ms; 0 is allowed too and lets none go. 20: a busy
    /// host stops a thread for less, a client's shortest retransmission (200 ms) is ten times that. 2 are eight beats.</summary>
    public static readonly Range<int> FailwireTimeoutMs = new(2, 10_000, 20);

    /// <summary>How far a frame of a capture may lie before an earlier one and still be only out of order, in ns: several queues of one NIC
    /// are written one after the other, milliseconds apart. What goes back by more is a clock that was set.</summary>
    public const long CaptureDisorderNs = 1_000_000_000;

    /// <summary>How long the writer of a capture waits until somebody reads a named pipe, in ms: whoever starts both at once has both
    /// running by then.</summary>
    public const int PipeReaderPatienceMs = 10_000;

    /// <summary>The pause between two looks at the pipe, in ms.</summary>
    public const int PipeReaderLookMs = 20;

    /// <summary>How often the interfaces and the programs on them are looked after, in ms, by a thread that is not on the way of a frame: what
    /// goes wrong with them is noticed, and mended where it can be, well within a second.</summary>
    public const int UpkeepMs = 100;

    /// <summary>The time between two looks at a beat after which it is known whether somebody beats, in ms: 200 of the shortest cycles, and
    /// less than the 100 ms after which systemd starts a killed service again.</summary>
    public const int BeatLookMs = 50;

    /// <summary>How long another ColoWire that has taken an interface over may be silent before it counts as dead and the interface is taken
    /// back, in ms: longer than a service takes to be started again. One that has handed over is not waited for.</summary>
    public const int TakeBackMs = 2000;

    /// <summary>How long a port tries to get a queue that is in use, in ms: the kernel frees that of a process
    /// that has ended some 80 ms later.</summary>
    public const int RebindMs = 1000;

    /// <summary>The pause between two tries, in ms.</summary>
    public const int RebindPauseMs = 5;

    /// <summary>Bytes that a stream port takes from its socket, or gives to it, in one system call: two of the longest frames, or 1,900 of the
    /// shortest, of which the call then costs each less than a nanosecond. It fits the second-level cache, and a socket holds little more
    /// (net.core.wmem_default, 208 KiB with what the kernel keeps beside the bytes).</summary>
    public const int StreamBufferBytes = 128 << 10;

    /// <summary>The pause before a lost connection is tried again, in ms: a peer that restarts is back within some of them, and one that
    /// stays away costs ten tries a second.</summary>
    public const int ReconnectMs = 100;

    /// <summary>Connections that the kernel keeps for a server until it has taken them, which it does at once: Linux allows 4096 at most
    /// (net.core.somaxconn), and more than these within a scheduler tick are no peers.</summary>
    public const int ListenBacklog = 128;

    /// <summary>Seconds after which a silent TCP peer is asked whether it lives, and between two such questions.</summary>
    public const int KeepAliveSeconds = 1;

    /// <summary>Questions without an answer after which it counts as gone: with the above, 4 s, about compare_timeout.</summary>
    public const int KeepAliveProbes = 3;
}
