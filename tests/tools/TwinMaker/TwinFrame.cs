// SPDX-License-Identifier: GPL-2.0-or-later

using System;

namespace ColoWire.TwinMaker;

/// <summary>A frame on its way from the first guest's capture to the second's.</summary>
internal sealed class TwinFrame
{
    public TwinFrame(byte[] bytes, long timeMicroseconds, int primaryFrame, FlowKey flow, int? wireLength = null)
    {
        Bytes = bytes;
        TimeMicroseconds = timeMicroseconds;
        PrimaryFrame = primaryFrame;
        Flow = flow;
        WireLength = wireLength ?? bytes.Length;

        // What is not there cannot be rewritten: a frame that the capture holds only in part is copied.
        Layout = FrameLayout.Of(IsPartial ? [] : bytes);
    }

    public byte[] Bytes { get; }

    /// <summary>How long the frame was on the wire; more than <see cref="Bytes"/> holds where the capture has only its front.</summary>
    public int WireLength { get; }

    public bool IsPartial => WireLength > Bytes.Length;

    public FrameLayout Layout { get; }

    /// <summary>Since 1970.</summary>
    public long TimeMicroseconds { get; set; }

    /// <summary>The number of the frame in the primary capture that this one stems from, counted from 1.</summary>
    public int PrimaryFrame { get; }

    public FlowKey Flow { get; }

    public bool NetworkChanged { get; set; }

    /// <summary>Where it stays false the checksum stays as the guest sent it, even a wrong one.</summary>
    public bool TransportChanged { get; set; }

    /// <summary>Neighbour discovery and multicast listener reports are copied as they are, like all that is not IP.</summary>
    public bool IsCopied =>
        Layout.IpVersion == 0 || (Layout.Transport == Transport.IcmpV6 && Bytes[Layout.TransportOffset] is (>= 130 and <= 137) or 143);

    /// <summary>A TCP segment that is whole; only those are rewritten.</summary>
    public bool IsTcp => Layout.Transport == Transport.Tcp && !Layout.IsFragment;

    /// <summary>What is compared as a whole: UDP, ICMP, any other protocol over IP, or a fragment of it.</summary>
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

    /// <summary>A frame of its own that may be changed without this one.</summary>
    public TwinFrame Copy() => new([.. Bytes], TimeMicroseconds, PrimaryFrame, Flow, WireLength)
    {
        NetworkChanged = NetworkChanged,
        TransportChanged = TransportChanged,
    };
}
