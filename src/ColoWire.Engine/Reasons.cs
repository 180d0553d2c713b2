// SPDX-License-Identifier: GPL-2.0-or-later


namespace ColoWire.Engine;

/// <summary>Why a primary frame left without having been verified.</summary>
public enum UnverifiedReason : byte
{
    /// <summary>A finished checkpoint made the secondary a copy of the primary.</summary>
    Checkpoint,

    /// <summary>Its flow diverged earlier, and no checkpoint can mend it (requester <c>none</c>).</summary>
    AfterDivergence,

    /// <summary>Its flow held more than <c>max_queue_size</c>, or no slot or flow was left.</summary>
    Overflow,

    /// <summary>ColoWire stopped.</summary>
    Stop,

    /// <summary>It was captured before the checkpoint that has finished since.</summary>
    StaleEpoch,

    /// <summary>A policy (<c>rst</c>, <c>dup</c>) let it go.</summary>
    Policy,

    /// <summary>The secondary's port had no link, and the policy is to go on.</summary>
    SecondaryLost,

    /// <summary>The secondary may have said it before the comparison began: the beginning of its TCP connection was not seen, or
    /// the epoch has just begun without a checkpoint, and its twin may have come before that.</summary>
    Unseen,

    /// <summary>The guest was taken over by the primary alone.</summary>
    Failover,

    /// <summary>The operator has ordered it (a flush, or another mode).</summary>
    Order,

    /// <summary>Its flow has used up its share of checkpoints (<c>checkpoint_share</c>), and differed once more.</summary>
    KeepsDiffering,

    /// <summary>Its flow has made a duty fail, and is not compared any more.</summary>
    Quarantine,
}

/// <summary>A field that may differ without a divergence (R3).</summary>
public enum ToleratedField : byte
{
    /// <summary>Source or destination MAC address, or VLAN priority.</summary>
    Mac,

    /// <summary>IPv4 identification, IPv6 flow label.</summary>
    IpId,

    /// <summary>Time to live, hop limit.</summary>
    Ttl,

    /// <summary>DSCP and ECN.</summary>
    TrafficClass,

    /// <summary>The don't-fragment bit.</summary>
    DontFragment,

    /// <summary>IPv4 options or IPv6 extension headers.</summary>
    IpOptions,

    /// <summary>TCP window.</summary>
    Window,

    /// <summary>TCP window of zero on the primary only.</summary>
    ZeroWindow,

    /// <summary>TCP PSH.</summary>
    Push,

    /// <summary>TCP URG or urgent pointer.</summary>
    Urgent,

    /// <summary>TCP options, timestamps and SACK blocks among them; not those of a SYN.</summary>
    TcpOptions,

    /// <summary>What a SYN offers: maximum segment size, window scale, SACK (RFC 9293 section 3.2, RFC 7323, RFC 2018).</summary>
    SynOptions,

    /// <summary>Checksum of the transport: zero, partial or full.</summary>
    Checksum,

    /// <summary>The secondary contradicts what it has said itself; the first copy counts. The first of those that are no field of a
    /// header.</summary>
    SecondaryOverlap,

    /// <summary>The primary says bytes of a stream again of which the secondary has said more than one version, and this one among them: that
    /// is no difference between the two.</summary>
    ConflictingRetransmission,

    /// <summary>A keepalive of the primary whose one byte is another one than was verified there (RFC 1122 section 4.2.3.6): both sent the
    /// same, or nothing had been said for <see cref="EngineLimits.KeepaliveSilenceNs"/>.</summary>
    Keepalive,
}

/// <summary>Why a frame that arrived went nowhere.</summary>
public enum DropReason : byte
{
    /// <summary>Primary: a policy drops its flow.</summary>
    PrimaryPolicy,

    /// <summary>Primary: held when the secondary took over; the client never saw it and the secondary goes on without it.</summary>
    PrimaryFailover,

    /// <summary>Secondary: a policy drops its flow.</summary>
    SecondaryPolicy,

    /// <summary>Secondary: not comparable, see <see cref="NotComparedReason"/>.</summary>
    SecondaryPassed,

    /// <summary>Secondary: malformed.</summary>
    SecondaryMalformed,

    /// <summary>Secondary: captured before the checkpoint that has finished since (R7).</summary>
    SecondaryStale,

    /// <summary>Secondary: its flow has diverged for good.</summary>
    SecondaryAfterDivergence,

    /// <summary>Secondary: its flow held <c>max_queue_size</c> frames of it already.</summary>
    SecondaryQueueFull,

    /// <summary>Secondary: every flow holds something, and <c>overflow</c> says to hold.</summary>
    SecondaryTableFull,

    /// <summary>Secondary: its sequence number is farther from what its flow holds than any window reaches.</summary>
    SecondaryOutOfWindow,

    /// <summary>Secondary: a fragment whose datagram cannot be put together (missing, overlapping, or no memory left).</summary>
    SecondaryFragment,

    /// <summary>Secondary: the primary runs alone, or the secondary is not in step with it yet.</summary>
    SecondaryAlone,

    /// <summary>Secondary: the primary never said it; cleared by a checkpoint, a divergence or the stop.</summary>
    SecondaryUnmatched,

    /// <summary>Primary: it was under way when a duty failed.</summary>
    PrimaryFailure,

    /// <summary>Secondary: it was under way, or waited for its twin, when a duty failed.</summary>
    SecondaryFailure,
}

/// <summary>Why a frame is not compared.</summary>
public enum NotComparedReason : byte
{
    /// <summary>ARP (0x0806).</summary>
    Arp,

    /// <summary>IEEE 802.3 length instead of an ethertype: spanning tree and other LLC.</summary>
    Llc,

    /// <summary>LLDP (0x88CC).</summary>
    Lldp,

    /// <summary>MPLS (0x8847, 0x8848).</summary>
    Mpls,

    /// <summary>An ethertype that is none of the above, a third VLAN tag among them.</summary>
    OtherEtherType,

    /// <summary>IGMP: each host reports after a random delay (RFC 3376 section 5).</summary>
    Igmp,

    /// <summary>IPv6 neighbour discovery and multicast listener discovery (RFC 4861, RFC 3810): timers of their own.</summary>
    NeighborDiscovery,

    /// <summary>SCTP: random tags make every association differ (RFC 9260 section 5.3.1).</summary>
    Sctp,

    /// <summary>ESP or AH: encrypted or keyed, never equal (RFC 4303, RFC 4302).</summary>
    Ipsec,

    /// <summary>A rule of the operator's passes its flow.</summary>
    Policy,
}

/// <summary>What is wrong with a malformed frame.</summary>
public enum MalformedKind : byte
{
    /// <summary>Shorter than an Ethernet header, or cut off within a VLAN tag.</summary>
    EthernetShort,

    /// <summary>Shorter than its IP header says, or than the least IP header.</summary>
    IpHeaderShort,

    /// <summary>IPv4 header length below 5 words, or an IP version that contradicts the ethertype.</summary>
    IpHeaderInvalid,

    /// <summary>IP total or payload length beyond the frame, or less than its own header.</summary>
    IpLengthInvalid,

    /// <summary>IPv6 extension headers cut off or too many.</summary>
    ExtensionChain,

    /// <summary>TCP header cut off, or a data offset below 5 or beyond the segment.</summary>
    TcpHeader,

    /// <summary>UDP header cut off, or a length below 8 or beyond the IP payload.</summary>
    UdpHeader,

    /// <summary>ICMP header cut off.</summary>
    IcmpHeader,

    /// <summary>Shorter than the virtio-net header that stands before every frame of its port.</summary>
    VnetHeader,
}

/// <summary>In what the two replicas differ.</summary>
public enum DivergenceReason : byte
{
    /// <summary>A byte of the payload, or the length of a datagram.</summary>
    Payload,

    /// <summary>The place in the stream: the secondary's bytes begin elsewhere.</summary>
    Position,

    /// <summary>SYN, FIN or RST.</summary>
    Control,

    /// <summary>The primary acknowledges what the secondary never did.</summary>
    Ack,

    /// <summary>No partner within <c>compare_timeout</c>, or a datagram that others have overtaken for longer than <c>grace_ms</c>.</summary>
    Timeout,

    /// <summary>A bound was reached: frames of a flow, slots or flows.</summary>
    Overflow,

    /// <summary>The primary sends bytes again that were verified, and they have changed.</summary>
    Retransmit,

    /// <summary>A tolerated field that <c>strict</c> promotes.</summary>
    Header,

    /// <summary>Fragments that do not make a datagram: some are missing, or overlap.</summary>
    Fragment,
}
