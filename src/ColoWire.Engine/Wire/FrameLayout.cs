// SPDX-License-Identifier: GPL-2.0-or-later

using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ColoWire.Engine.Wire;

/// <summary>
/// The offsets of a frame's layers, found and validated once by <see cref="FrameParser"/>, so that later accesses to the headers
/// need no length checks. The payload ends where the IP length says, which excludes Ethernet padding (R1).
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct FrameLayout
{
    /// <summary>How the frame is treated.</summary>
    public FrameKind Kind;

    private byte reason;

    /// <summary>The IANA protocol number of the upper layer, after IPv6 extension headers.</summary>
    public byte Protocol;

    /// <summary>The IP version, 4 or 6; 0 when the frame contains no IP header.</summary>
    public byte IpVersion;

    /// <summary>The number of VLAN tags before the network header.</summary>
    public byte VlanTags;

    /// <summary>
    /// Whether the frame is TCP or UDP directly behind an IPv4 header without options or an IPv6 header without extension
    /// headers. Nearly every frame is. Its flow key is then at fixed offsets from the network header.
    /// </summary>
    public bool IsRegular;

    /// <summary>The offset of the network header in the frame, in bytes.</summary>
    public ushort NetworkOffset;

    /// <summary>The offset of the transport header in the frame, in bytes.</summary>
    public ushort TransportOffset;

    /// <summary>
    /// The offset of the compared bytes in the frame, in bytes: the payload of TCP and UDP, the IP payload of all other
    /// protocols.
    /// </summary>
    public ushort PayloadOffset;

    /// <summary>The number of compared bytes, without padding.</summary>
    public ushort PayloadLength;

    /// <summary>Why the frame is not compared; for <see cref="FrameKind.NotCompared"/> only.</summary>
    public readonly NotComparedReason NotCompared
    {
        get
        {
            Debug.Assert(Kind == FrameKind.NotCompared, "the reason is read as that of the frame's kind");
            return (NotComparedReason)reason;
        }
    }

    /// <summary>The defect of the frame; for <see cref="FrameKind.Malformed"/> only.</summary>
    public readonly MalformedKind Malformed
    {
        get
        {
            Debug.Assert(Kind == FrameKind.Malformed, "the reason is read as that of the frame's kind");
            return (MalformedKind)reason;
        }
    }

    /// <summary>
    /// Describes an untagged regular frame, except for <see cref="IpVersion"/> and the offsets. Field by field, because the
    /// compiler joins the constants into wide stores; a copied structure of this size would be read before its parts are written.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void BeginRegular(FrameKind kind, byte protocol)
    {
        Kind = kind;
        reason = 0;
        Protocol = protocol;
        VlanTags = 0;
        IsRegular = true;
    }

    /// <summary>Marks the frame as not compared.</summary>
    internal void MarkNotCompared(NotComparedReason why)
    {
        Kind = FrameKind.NotCompared;
        reason = (byte)why;
    }

    /// <summary>Marks the frame as malformed.</summary>
    internal void MarkMalformed(MalformedKind kind)
    {
        Kind = FrameKind.Malformed;
        reason = (byte)kind;
    }
}

/// <summary>How a frame is treated.</summary>
public enum FrameKind : byte
{
    /// <summary>Compared as a byte stream.</summary>
    Tcp,

    /// <summary>Compared as a datagram, payload only; the checksum is a tolerated field.</summary>
    Udp,

    /// <summary>Compared as a datagram.</summary>
    Icmp,

    /// <summary>Compared as a datagram.</summary>
    IcmpV6,

    /// <summary>Another protocol over IP, compared as a datagram.</summary>
    OtherIp,

    /// <summary>
    /// A fragment. Fragmented datagrams are compared after reassembly, so a shard gets only fragments that were not reassembled.
    /// </summary>
    Fragment,

    /// <summary>
    /// Not compared: the primary's frame is sent at once, the secondary's is dropped, both counted by
    /// <see cref="NotComparedReason"/>.
    /// </summary>
    NotCompared,

    /// <summary>
    /// Inconsistent with its own headers: the primary's frame is sent at once, the secondary's is dropped, counted by
    /// <see cref="MalformedKind"/>.
    /// </summary>
    Malformed,
}
