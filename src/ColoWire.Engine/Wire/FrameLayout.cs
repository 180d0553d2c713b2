// SPDX-License-Identifier: GPL-2.0-or-later

using System.Diagnostics;
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

    private byte reason;

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

    /// <summary>Why the frame is not compared; for <see cref="FrameKind.NotCompared"/> only.</summary>
    public readonly NotComparedReason NotCompared
    {
        get
        {
            Debug.Assert(Kind == FrameKind.NotCompared, "only such a frame has this reason");
            return (NotComparedReason)reason;
        }
    }

    /// <summary>What is wrong with the frame; for <see cref="FrameKind.Malformed"/> only.</summary>
    public readonly MalformedKind Malformed
    {
        get
        {
            Debug.Assert(Kind == FrameKind.Malformed, "only such a frame has this reason");
            return (MalformedKind)reason;
        }
    }

    /// <summary>Notes that the frame is not compared.</summary>
    internal void MarkNotCompared(NotComparedReason why)
    {
        Kind = FrameKind.NotCompared;
        reason = (byte)why;
    }

    /// <summary>Notes that the frame is malformed.</summary>
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
