// SPDX-License-Identifier: GPL-2.0-or-later


namespace ColoWire.Engine;

/// <summary>Why a primary frame was sent unverified.</summary>
public enum UnverifiedReason : byte
{
    /// <summary>A finished checkpoint made the secondary a copy of the primary.</summary>
    Checkpoint,

    /// <summary>Its flow diverged earlier, and no checkpoint can resolve it (requester <c>none</c>).</summary>
    AfterDivergence,

    /// <summary>Its flow held more than <c>max_queue_size</c> frames, or no slot or flow was free.</summary>
    Overflow,

    /// <summary>ColoWire stopped.</summary>
    Stop,

    /// <summary>It was captured before the checkpoint that has finished since.</summary>
    StaleEpoch,

    /// <summary>A policy (<c>rst</c>, <c>dup</c>) released it.</summary>
    Policy,

    /// <summary>The secondary's port had no link, and the policy is <c>bypass</c>.</summary>
    SecondaryLost,

    /// <summary>
    /// The secondary may have sent the same before the comparison began: the beginning of the TCP connection was not seen, or an
    /// epoch began without a checkpoint and the twin may have arrived before it.
    /// </summary>
    Unseen,

    /// <summary>A fail-over to the primary has ended the comparison.</summary>
    Failover,

    /// <summary>The operator ordered a flush or another mode.</summary>
    Order,

    /// <summary>Its flow had used up its share of checkpoints (<c>checkpoint_share</c>) and diverged again.</summary>
    KeepsDiffering,

    /// <summary>Its flow has made a duty fail and is no longer compared.</summary>
    Quarantine,

    /// <summary>The client had reset its connection (R13).</summary>
    ClientReset,

    /// <summary>The secondary does not receive what clients send on its connection, because the translation of the connection is
    /// not known (R17).</summary>
    MirrorLoss,
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

    /// <summary>
    /// The options of a SYN: maximum segment size, window scale, SACK (RFC 9293 section 3.2, RFC 7323, RFC 2018).
    /// </summary>
    SynOptions,

    /// <summary>Checksum of the transport: zero, partial or full.</summary>
    Checksum,

    /// <summary>
    /// The secondary has sent bytes of a stream again with other values; the first copy counts. This value is the first that is
    /// no header field.
    /// </summary>
    SecondaryOverlap,

    /// <summary>
    /// The primary retransmits bytes of a stream of which the secondary has sent several versions, this version among them, which
    /// is no difference between the replicas.
    /// </summary>
    ConflictingRetransmission,

    /// <summary>
    /// A keepalive of the primary whose byte differs from the verified byte (RFC 1122 section 4.2.3.6): both replicas sent the
    /// same, or the connection was silent for <see cref="EngineLimits.KeepaliveSilenceNs"/>.
    /// </summary>
    Keepalive,
}

/// <summary>Why a received frame was dropped.</summary>
public enum DropReason : byte
{
    /// <summary>Primary: a policy drops its flow.</summary>
    PrimaryPolicy,

    /// <summary>
    /// Primary: held at, or received after, the fail-over to the secondary; the client never received it, and the secondary
    /// continues without it.
    /// </summary>
    PrimaryFailover,

    /// <summary>Secondary: a policy drops its flow.</summary>
    SecondaryPolicy,

    /// <summary>Secondary: not compared, see <see cref="NotComparedReason"/>.</summary>
    SecondaryPassed,

    /// <summary>Secondary: malformed.</summary>
    SecondaryMalformed,

    /// <summary>Secondary: captured before the checkpoint that has finished since (R7).</summary>
    SecondaryStale,

    /// <summary>Secondary: its flow has diverged, and the primary's frames are sent unverified.</summary>
    SecondaryAfterDivergence,

    /// <summary>Secondary: its flow already held <c>max_queue_size</c> frames of the secondary.</summary>
    SecondaryQueueFull,

    /// <summary>Secondary: the flow table is full, every flow holds frames, and <c>overflow</c> is <c>hold</c>.</summary>
    SecondaryTableFull,

    /// <summary>Secondary: its sequence number is farther from the flow's position than the largest window.</summary>
    SecondaryOutOfWindow,

    /// <summary>
    /// Secondary: a fragment whose datagram cannot be reassembled (missing or overlapping fragments, or no memory left).
    /// </summary>
    SecondaryFragment,

    /// <summary>Secondary: only the primary's frames are sent, or the secondary is not in step with the primary yet.</summary>
    SecondaryAlone,

    /// <summary>Secondary: the primary never sent the same; dropped at a checkpoint, a divergence or the stop.</summary>
    SecondaryUnmatched,

    /// <summary>Primary: it was inside the path when a duty failed.</summary>
    PrimaryFailure,

    /// <summary>Secondary: it was inside the path or held when a duty failed.</summary>
    SecondaryFailure,

    /// <summary>Secondary: the client had reset its connection (R13).</summary>
    SecondaryClientReset,

    /// <summary>Secondary: the translation of its connection is not known (R17).</summary>
    SecondaryMirrorLoss,
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

    /// <summary>
    /// IPv6 neighbour discovery and multicast listener discovery (RFC 4861, RFC 3810): each host has its own timers.
    /// </summary>
    NeighborDiscovery,

    /// <summary>SCTP: the random initiate tags differ in every association (RFC 9260 section 5.3.1).</summary>
    Sctp,

    /// <summary>ESP or AH: encrypted or authenticated, never equal (RFC 4303, RFC 4302).</summary>
    Ipsec,

    /// <summary>A rule of the operator passes its flow.</summary>
    Policy,
}

/// <summary>The defect of a malformed frame.</summary>
public enum MalformedKind : byte
{
    /// <summary>Shorter than an Ethernet header, or cut off within a VLAN tag.</summary>
    EthernetShort,

    /// <summary>Shorter than the length in its IP header, or than the shortest IP header.</summary>
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

    /// <summary>Shorter than the virtio-net header that precedes every frame of its port.</summary>
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

    /// <summary>No partner within <c>compare_timeout</c>, or a datagram that others have overtaken for longer than
    /// <c>grace_ms</c>.</summary>
    Timeout,

    /// <summary>A bound was reached: frames of a flow, slots or flows.</summary>
    Overflow,

    /// <summary>The primary sends bytes again that were verified, and they have changed.</summary>
    Retransmit,

    /// <summary>A tolerated field that <c>strict</c> promotes.</summary>
    Header,

    /// <summary>Fragments that do not make a datagram: some are missing, or overlap.</summary>
    Fragment,

    /// <summary>The replicas do not differ, but use different sequence numbers, and a client's segments cannot be translated:
    /// they are signed (TCP MD5, RFC 2385; TCP-AO, RFC 5925), or a fragment ends within the TCP header. After a checkpoint both
    /// use the same numbers.</summary>
    Translation,
}
