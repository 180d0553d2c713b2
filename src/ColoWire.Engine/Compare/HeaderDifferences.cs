// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Compare;

/// <summary>
/// Counts in which soft fields two frames with the same payload differ (R3). Both kernels and both NICs dress the same bytes
/// differently; an operator wants to know, a guest does not care.
/// </summary>
internal sealed class HeaderDifferences(FrameArena arena, ShardCounters counters, IEnumerable<SoftField> strict)
{
    private readonly uint strictFields = Bits(strict);
    private SoftField? found;

    /// <summary>Looks at all headers of a pair of frames of one flow.</summary>
    /// <returns>The first field that differs and that <c>strict</c> names, or null.</returns>
    public SoftField? Count(FrameRef primary, FrameRef secondary)
    {
        found = null;
        ref FrameLayout ours = ref arena[primary].Layout;
        ref FrameLayout theirs = ref arena[secondary].Layout;
        ReadOnlySpan<byte> left = arena.Bytes(primary);
        ReadOnlySpan<byte> right = arena.Bytes(secondary);
        if (left[..ours.PayloadOffset].SequenceEqual(right[..theirs.PayloadOffset]))
        {
            return null;
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

        return found;
    }

    /// <summary>Looks at the headers of a pair that are alike (<see cref="HeaderMask.AreAlike"/>) and say the same place in a stream: as
    /// <see cref="Count"/>, unless <c>strict</c> names a field that might differ.</summary>
    /// <param name="differing">The bytes in which they differ, as <see cref="HeaderMask.Of"/> finds them.</param>
    /// <param name="primary">The primary's frame.</param>
    /// <param name="secondary">The secondary's.</param>
    /// <returns>False when nothing was looked at.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public bool TryCount(ulong differing, FrameView primary, FrameView secondary)
    {
        if (strictFields != 0)
        {
            return false;
        }

        const int Network = Ethernet.HeaderBytes;
        CountIf(IsIn(differing, 0, Ethernet.HeaderBytes), SoftField.Mac);
        CountIf(IsIn(differing, Network + Ipv4.TrafficClassOffset, 1), SoftField.TrafficClass);
        CountIf(IsIn(differing, Network + Ipv4.IdOffset, sizeof(ushort)), SoftField.IpId);
        // A plain frame is no fragment: of this field only one bit can differ that means anything.
        CountIf(IsIn(differing, Network + Ipv4.FragmentOffset, 1) && DontFragmentDiffers(primary, secondary), SoftField.DontFragment);
        CountIf(IsIn(differing, Network + Ipv4.TtlOffset, 1), SoftField.Ttl);
        if (primary.Descriptor.Layout.Kind == FrameKind.Tcp)
        {
            CountTcp(differing, primary, secondary);
        }
        else
        {
            CountIf(IsIn(differing, FrameLayout.PlainTransportOffset + Udp.ChecksumOffset, sizeof(ushort)), SoftField.Checksum);
        }

        return true;
    }

    /// <summary>Looks at the windows of two acknowledgments of the same bytes.</summary>
    /// <returns>The first field that differs and that <c>strict</c> names, or null.</returns>
    public SoftField? CountWindow(ushort primary, ushort secondary)
    {
        found = null;
        CompareWindow(primary, secondary);
        return found;
    }

    /// <summary>Looks at what two SYNs offer (<see cref="TcpSegment.SynOffer"/>).</summary>
    /// <returns>The field, when it differs and <c>strict</c> names it, or null.</returns>
    public SoftField? CountSyn(uint primary, uint secondary)
    {
        found = null;
        CountIf(primary != secondary, SoftField.SynOptions);
        return found;
    }

    private static uint Bits(IEnumerable<SoftField> fields)
    {
        uint bits = 0;
        foreach (SoftField field in fields)
        {
            bits |= Bit(field);
        }

        return bits;
    }

    private static uint Bit(SoftField field) => 1u << (int)field;

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
        CompareWindow(Network.UInt16(left, Tcp.WindowOffset), Network.UInt16(right, Tcp.WindowOffset));
        CountIf(sameLength && Differs(left, right, Tcp.ChecksumOffset, sizeof(ushort)), SoftField.Checksum);
        CountIf(!left[Tcp.LeastHeaderBytes..].SequenceEqual(right[Tcp.LeastHeaderBytes..]), SoftField.TcpOptions);
    }

    private void CountTcp(ulong differing, FrameView primary, FrameView secondary)
    {
        const int Transport = FrameLayout.PlainTransportOffset;
        CountIf(IsIn(differing, Transport + Tcp.UrgentOffset, sizeof(ushort)), SoftField.Urgent);
        if (IsIn(differing, Transport + Tcp.WindowOffset, sizeof(ushort)))
        {
            CompareWindow(new TcpSegment(primary).Window, new TcpSegment(secondary).Window);
        }

        CountIf(IsIn(differing, Transport + Tcp.ChecksumOffset, sizeof(ushort)), SoftField.Checksum);
        CountIf(differing >> (Transport + Tcp.LeastHeaderBytes) != 0, SoftField.TcpOptions);
    }

    private static bool IsIn(ulong differing, int offset, int length) => (differing & (((1UL << length) - 1) << offset)) != 0;

    private static bool DontFragmentDiffers(FrameView primary, FrameView secondary)
    {
        const int Offset = Ethernet.HeaderBytes + Ipv4.FragmentOffset;
        int flags = Wire.Network.UInt16(in primary.First, Offset) ^ Wire.Network.UInt16(in secondary.First, Offset);
        return (flags & Ipv4.DontFragment) != 0;
    }

    private void CompareWindow(ushort primary, ushort secondary)
    {
        CountIf(primary != secondary, SoftField.Window);
        CountIf(primary == 0 && secondary != 0, SoftField.ZeroWindow);
    }

    private void CountIf(bool differs, SoftField field)
    {
        if (!differs)
        {
            return;
        }

        counters.Count(field);
        if ((strictFields & Bit(field)) != 0)
        {
            found ??= field;
        }
    }
}
