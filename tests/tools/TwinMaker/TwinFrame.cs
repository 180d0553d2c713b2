// SPDX-License-Identifier: GPL-2.0-or-later

using System;

namespace ColoWire.TwinMaker;

/// <summary>A frame of the first guest's capture, or one made from it for the second guest.</summary>
internal sealed class TwinFrame
{
    public TwinFrame(byte[] bytes, long timeMicroseconds, int primaryFrame, FlowKey flow, int? wireLength = null)
    {
        Bytes = bytes;
        TimeMicroseconds = timeMicroseconds;
        PrimaryFrame = primaryFrame;
        Flow = flow;
        WireLength = wireLength ?? bytes.Length;

        // A frame that is truncated in the capture cannot be rewritten; it is copied.
        Layout = FrameLayout.Of(IsPartial ? [] : bytes);
    }

    public byte[] Bytes { get; }

    /// <summary>Length of the frame on the wire; greater than that of <see cref="Bytes"/> if the capture has truncated the
    /// frame.</summary>
    public int WireLength { get; }

    public bool IsPartial => WireLength > Bytes.Length;

    public FrameLayout Layout { get; }

    /// <summary>Microseconds since 1970-01-01 UTC.</summary>
    public long TimeMicroseconds { get; set; }

    /// <summary>The number of the frame in the primary capture from which this one was made, counted from 1.</summary>
    public int PrimaryFrame { get; }

    public FlowKey Flow { get; }

    public bool NetworkChanged { get; set; }

    /// <summary>Whether the transport checksum has to be restored; otherwise it stays as the guest sent it, even a wrong
    /// one.</summary>
    public bool TransportChanged { get; set; }

    /// <summary>Whether the frame is copied unchanged: neighbour discovery, multicast listener reports, and all frames without
    /// IP.</summary>
    public bool IsCopied =>
        Layout.IpVersion == 0 || (Layout.Transport == Transport.IcmpV6 && Bytes[Layout.TransportOffset] is (>= 130 and <= 137) or 143);

    /// <summary>Whether it is a complete TCP segment; other segments are not rewritten.</summary>
    public bool IsTcp => Layout.Transport == Transport.Tcp && !Layout.IsFragment;

    /// <summary>Whether the frame is compared as a whole: UDP, ICMP, any other protocol over IP, or a fragment.</summary>
    public bool IsDatagram => !IsCopied && !IsTcp;

    public bool IsTcpData => IsTcp && Layout.PayloadLength > 0;

    public Span<byte> Network => Bytes.AsSpan(Layout.IpOffset, Layout.IpEnd - Layout.IpOffset);

    public Span<byte> Payload => Bytes.AsSpan(Layout.PayloadOffset, Layout.PayloadLength);

    public TcpHeader Tcp => new(Bytes.AsSpan(Layout.TransportOffset, Layout.PayloadOffset - Layout.TransportOffset));

    /// <summary>A frame with the headers of this one and another TCP payload.</summary>
    public TwinFrame WithTcpPayload(params ReadOnlySpan<byte> payload)
    {
        byte[] bytes = new byte[Layout.PayloadOffset + payload.Length];
        Bytes.AsSpan(0, Layout.PayloadOffset).CopyTo(bytes);
        payload.CopyTo(bytes.AsSpan(Layout.PayloadOffset));
        IpHeader.SetPacketLength(bytes.AsSpan(Layout.IpOffset), bytes.Length - Layout.IpOffset);
        return new TwinFrame(bytes, TimeMicroseconds, PrimaryFrame, Flow) { NetworkChanged = true, TransportChanged = true };
    }

    /// <summary>The same frame with other bytes, sent at the same time.</summary>
    public TwinFrame WithBytes(byte[] bytes) => new(bytes, TimeMicroseconds, PrimaryFrame, Flow)
    {
        NetworkChanged = NetworkChanged,
        TransportChanged = TransportChanged,
    };

    /// <summary>A copy that can be changed independently.</summary>
    public TwinFrame Copy() => new([.. Bytes], TimeMicroseconds, PrimaryFrame, Flow, WireLength)
    {
        NetworkChanged = NetworkChanged,
        TransportChanged = TransportChanged,
    };
}
