// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Benchmarks.Shards;

/// <summary>How the frames of a workload differ from untagged IPv4 with data, and the primary's frames from the
/// secondary's.</summary>
internal sealed record Dress
{
    /// <summary>The IP version, 4 or 6.</summary>
    public int IpVersion { get; init; } = 4;

    /// <summary>Number of VLAN tags before the IP header.</summary>
    public int VlanTags { get; init; }

    /// <summary>Whether IP identification (IPv4) and checksums differ between the sides, as between two kernels.</summary>
    public bool IdsDiffer { get; init; }

    /// <summary>Whether TCP segments have timestamps (RFC 7323) that differ between the sides.</summary>
    public bool TimestampsDiffer { get; init; }

    /// <summary>Whether TCP segments have an acknowledgment number that grows, and no data.</summary>
    public bool IsPureAck { get; init; }

    /// <summary>Whether the secondary's segments begin in the middle of the primary's segments.</summary>
    public bool IsCutApart { get; init; }
}
