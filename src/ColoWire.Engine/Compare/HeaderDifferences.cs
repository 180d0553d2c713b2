// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Compare;

/// <summary>
/// Counts in which soft fields two frames with the same payload differ (R3). Both kernels and both NICs dress the same bytes
/// differently; an operator wants to know, a guest does not care.
/// </summary>
internal sealed class HeaderDifferences(FrameArena arena, ShardCounters counters)
{
    /// <summary>Looks at all headers of a pair of frames of one flow.</summary>
    public void Count(FrameRef primary, FrameRef secondary)
    {
        ref FrameLayout ours = ref arena[primary].Layout;
        ref FrameLayout theirs = ref arena[secondary].Layout;
        ReadOnlySpan<byte> left = arena.Bytes(primary);
        ReadOnlySpan<byte> right = arena.Bytes(secondary);
        if (left[..ours.PayloadOffset].SequenceEqual(right[..theirs.PayloadOffset]))
        {
            return;
        }

        CountIf(!left[..ours.NetworkOffset].SequenceEqual(right[..theirs.NetworkOffset]), SoftField.Mac);
        ReadOnlySpan<byte> leftNetwork = left[ours.NetworkOffset..ours.TransportOffset];
        ReadOnlySpan<byte> rightNetwork = right[theirs.NetworkOffset..theirs.TransportOffset];
        if (ours.IpVersion == 4)
        {
            CountIpv4(leftNetwork, rightNetwork);
        }
        else
        {
            CountIpv6(leftNetwork, rightNetwork);
        }

        ReadOnlySpan<byte> leftTransport = left[ours.TransportOffset..ours.PayloadOffset];
        ReadOnlySpan<byte> rightTransport = right[theirs.TransportOffset..theirs.PayloadOffset];
        if (ours.Kind == FrameKind.Tcp)
        {
            // Checksums of TCP segments that were cut differently differ by nature; they say nothing.
            CountTcp(leftTransport, rightTransport, sameLength: ours.PayloadLength == theirs.PayloadLength);
        }
        else if (ours.Kind == FrameKind.Udp)
        {
            CountIf(Differs(leftTransport, rightTransport, Udp.ChecksumOffset, sizeof(ushort)), SoftField.Checksum);
        }
    }

    /// <summary>Looks at the windows of two acknowledgments of the same bytes.</summary>
    public void CountWindow(ushort primary, ushort secondary)
    {
        CountIf(primary != secondary, SoftField.Window);
        CountIf(primary == 0 && secondary != 0, SoftField.ZeroWindow);
    }

    private static bool Differs(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right, int offset, int length) =>
        !left.Slice(offset, length).SequenceEqual(right.Slice(offset, length));

    private void CountIpv4(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        CountIf(left[Ipv4.TrafficClassOffset] != right[Ipv4.TrafficClassOffset], SoftField.TrafficClass);
        CountIf(Differs(left, right, Ipv4.IdOffset, sizeof(ushort)), SoftField.IpId);
        int flags = Network.UInt16(left, Ipv4.FragmentOffset) ^ Network.UInt16(right, Ipv4.FragmentOffset);
        CountIf((flags & Ipv4.DontFragment) != 0, SoftField.DontFragment);
        CountIf(left[Ipv4.TtlOffset] != right[Ipv4.TtlOffset], SoftField.Ttl);
        CountIf(!left[Ipv4.LeastHeaderBytes..].SequenceEqual(right[Ipv4.LeastHeaderBytes..]), SoftField.IpOptions);
    }

    private void CountIpv6(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        uint first = Network.UInt32(left, 0) ^ Network.UInt32(right, 0);
        CountIf((first & Ipv6.TrafficClassMask) != 0, SoftField.TrafficClass);
        CountIf((first & Ipv6.FlowLabelMask) != 0, SoftField.IpId);
        CountIf(left[Ipv6.HopLimitOffset] != right[Ipv6.HopLimitOffset], SoftField.Ttl);
        CountIf(!left[Ipv6.HeaderBytes..].SequenceEqual(right[Ipv6.HeaderBytes..]), SoftField.IpOptions);
    }

    private void CountTcp(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right, bool sameLength)
    {
        int flags = left[Tcp.FlagsOffset] ^ right[Tcp.FlagsOffset];
        CountIf((flags & Tcp.Psh) != 0, SoftField.Push);
        CountIf((flags & Tcp.Urg) != 0 || Differs(left, right, Tcp.UrgentOffset, sizeof(ushort)), SoftField.Urgent);
        CountWindow(Network.UInt16(left, Tcp.WindowOffset), Network.UInt16(right, Tcp.WindowOffset));
        CountIf(sameLength && Differs(left, right, Tcp.ChecksumOffset, sizeof(ushort)), SoftField.Checksum);
        CountIf(!left[Tcp.LeastHeaderBytes..].SequenceEqual(right[Tcp.LeastHeaderBytes..]), SoftField.TcpOptions);
    }

    private void CountIf(bool differs, SoftField field)
    {
        if (differs)
        {
            counters.Count(field);
        }
    }
}
