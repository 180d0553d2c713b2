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

    /// <summary>How long a frame waits for room in a full send queue before it counts as lost: longer than any queue that drains
    /// takes, shorter than a client's retransmission.</summary>
    public const long SendRetryNs = 100_000_000;
}
