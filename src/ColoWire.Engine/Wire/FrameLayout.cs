// SPDX-License-Identifier: GPL-2.0-or-later

using System.Runtime.InteropServices;

namespace ColoWire.Engine.Wire;

/// <summary>
/// Where the layers of a frame are: found once and validated once by <see cref="FrameParser"/>, so that every later look at a header
/// needs no check of a length (R1: the payload ends where IP says, not where the wire's padding does).
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct FrameLayout
{
    /// <summary>How the frame is treated.</summary>
    public FrameKind Kind;

    /// <summary>Why a frame is passed: a <see cref="NotComparedReason"/> when <see cref="Kind"/> is NotCompared.</summary>
    public NotComparedReason NotCompared;

    /// <summary>What is wrong with it: a <see cref="MalformedKind"/> when <see cref="Kind"/> is Malformed.</summary>
    public MalformedKind Malformed;

    /// <summary>Protocol number of the transport (IANA), after IPv6 extension headers.</summary>
    public byte Protocol;

    /// <summary>IP version, 4 or 6; 0 when the frame carries none.</summary>
    public byte IpVersion;

    /// <summary>How many VLAN tags stand before the network header.</summary>
    public byte VlanTags;

    /// <summary>Whether it is what nearly every frame is: TCP or UDP right behind an IPv4 header without options or an IPv6 header without
    /// extension headers. What its flow is stands at fixed offsets from the network header then.</summary>
    public bool IsRegular;

    /// <summary>Offset of the network header in the frame.</summary>
    public ushort NetworkOffset;

    /// <summary>Offset of the transport header in the frame.</summary>
    public ushort TransportOffset;

    /// <summary>Offset in the frame of the bytes that are compared: the payload of TCP and UDP; for all else the transport.</summary>
    public ushort PayloadOffset;

    /// <summary>Number of bytes that are compared; without padding.</summary>
    public ushort PayloadLength;
}

/// <summary>How a frame is treated.</summary>
public enum FrameKind : byte
{
    /// <summary>Compared as a byte stream.</summary>
    Tcp,

    /// <summary>Compared as a datagram, payload only: the checksum is the wire's.</summary>
    Udp,

    /// <summary>Compared as a datagram.</summary>
    Icmp,

    /// <summary>Compared as a datagram.</summary>
    IcmpV6,

    /// <summary>Another protocol over IP, compared as a datagram.</summary>
    OtherIp,

    /// <summary>A fragment. Datagrams are compared whole: only what could not be put together comes to a shard as this.</summary>
    Fragment,

    /// <summary>Not compared: the primary's leaves at once, the secondary's is dropped, both counted by <see cref="NotComparedReason"/>.</summary>
    NotCompared,

    /// <summary>Not what its headers claim: the primary's leaves at once, the secondary's is dropped, counted by <see cref="MalformedKind"/>.</summary>
    Malformed,
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
