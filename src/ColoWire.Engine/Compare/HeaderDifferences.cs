// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Compare;

/// <summary>
/// Counts the tolerated fields in which the headers of two frames with the same payload differ (R3). The kernels and NICs of the
/// two replicas fill these fields independently, so a difference is counted for the operator and is no divergence.
/// </summary>
internal sealed class HeaderDifferences(FrameArena arena, ShardCounters counters, IEnumerable<ToleratedField> strict)
{
    private readonly uint strictFields = Bits(strict);

    /// <summary>Compares all headers of a pair of frames of one flow, and counts the fields that differ.</summary>
    /// <returns>The first field that differs and that <c>strict</c> names, or null.</returns>
    public ToleratedField? Count(FrameRef primary, FrameRef secondary) =>
        Count(Differing(arena.View(primary), arena.View(secondary)));

    /// <summary>As <see cref="Count(FrameRef, FrameRef)"/>, but counts nothing when a field differs that <c>strict</c>
    /// names.</summary>
    /// <returns>False when such a field differs.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryCount(FrameView primary, FrameView secondary) =>
        AreEqual(primary, secondary)
        || TryCountDiffering(ref primary.Descriptor, in primary.First, ref secondary.Descriptor, in secondary.First);

    /// <summary>Compares the windows of two acknowledgments of the same bytes, and counts a difference.</summary>
    /// <returns>The first field that differs and that <c>strict</c> names, or null.</returns>
    public ToleratedField? CountWindow(ushort primary, ushort secondary) => Count(DifferingWindow(primary, secondary));

    /// <summary>As <see cref="CountWindow"/>, but counts nothing when a field differs that <c>strict</c> names.</summary>
    /// <returns>False when such a field differs.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryCountWindow(ushort primary, ushort secondary) =>
        primary == secondary || TryCount(DifferingWindow(primary, secondary));

    /// <summary>Compares the options that two SYNs offer (<see cref="TcpSegment.SynOffer"/>), and counts a difference.</summary>
    /// <returns>The field when it differs and <c>strict</c> names it, or null.</returns>
    public ToleratedField? CountSyn(uint primary, uint secondary) => Count(If(primary != secondary, ToleratedField.SynOptions));

    /// <summary>Not inlined: the callers are inlined into the loop over a batch, and the compiler inlines only up to a limit in
    /// total. The parameters are references, because a view as an argument would be stored in memory.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryCountDiffering(
        ref Frame primary, ref readonly byte primaryFirst, ref Frame secondary, ref readonly byte secondaryFirst) =>
        TryCount(Differing(new FrameView(ref primary, in primaryFirst), new FrameView(ref secondary, in secondaryFirst)));

    private bool TryCount(uint fields)
    {
        if ((fields & strictFields) != 0)
        {
            return false;
        }

        counters.Count(fields);
        return true;
    }

    /// <summary>Whether all headers are equal byte for byte.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool AreEqual(FrameView primary, FrameView secondary)
    {
        const int Width = 32;
        int length = primary.Descriptor.Layout.PayloadOffset;
        if (length is < Width or > 2 * Width)
        {
            return primary.Headers.SequenceEqual(secondary.Headers);
        }

        // Two loads, at the front and at the back, cover all header bytes and read nothing beyond either end.
        nuint last = (nuint)(length - Width);
        Vector256<byte> difference = (Vector256.LoadUnsafe(in primary.First) ^ Vector256.LoadUnsafe(in secondary.First))
            | (Vector256.LoadUnsafe(in primary.First, last) ^ Vector256.LoadUnsafe(in secondary.First, last));
        return difference == Vector256<byte>.Zero;
    }

    private ToleratedField? Count(uint fields)
    {
        counters.Count(fields);
        uint promoted = fields & strictFields;
        return promoted == 0 ? null : (ToleratedField)BitOperations.TrailingZeroCount(promoted);
    }

    private static uint Bits(IEnumerable<ToleratedField> fields)
    {
        uint bits = 0;
        foreach (ToleratedField field in fields)
        {
            bits |= Bit(field);
        }

        return bits;
    }

    /// <summary>Finds the fields that differ: one bit for each <see cref="ToleratedField"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Differing(FrameView primary, FrameView secondary)
    {
        ref FrameLayout ours = ref primary.Descriptor.Layout;
        uint fields = If(LinkDiffers(primary, secondary, ours.NetworkOffset), ToleratedField.Mac);
        fields |= ours.IpVersion == 4 ? DifferingIpv4(primary, secondary) : DifferingIpv6(primary, secondary);
        if (ours.Kind == FrameKind.Tcp)
        {
            return fields | DifferingTcp(primary, secondary);
        }

        bool isUdp = ours.Kind == FrameKind.Udp;
        return fields | If(isUdp && TransportDifference(primary, secondary, 0, Udp.ChecksumMask) != 0, ToleratedField.Checksum);
    }

    /// <summary>Whether the MAC addresses or the priorities in VLAN tags differ. Both frames have the same number of tags,
    /// because they belong to the same flow.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool LinkDiffers(FrameView primary, FrameView secondary, int bytes)
    {
        // The link header has 14, 18 or 22 bytes: three overlapping words of 8 bytes cover it, and read nothing beyond it.
        int last = bytes - sizeof(ulong);
        int middle = int.Min(last, sizeof(ulong));
        ulong difference = Network.Difference64(in primary.First, in secondary.First, 0)
            | Network.Difference64(in primary.First, in secondary.First, middle)
            | Network.Difference64(in primary.First, in secondary.First, last);
        return difference != 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint DifferingIpv4(FrameView primary, FrameView secondary)
    {
        int at = primary.Descriptor.Layout.NetworkOffset;
        ulong first = Network.Difference64(in primary.First, in secondary.First, at);
        return If((first & Ipv4.TrafficClassMask) != 0, ToleratedField.TrafficClass)
            | If((first & Ipv4.IdMask) != 0, ToleratedField.IpId)
            | If((first & Ipv4.DontFragment) != 0, ToleratedField.DontFragment)
            | If(Network.UInt8(in primary.First, at + Ipv4.TtlOffset) != Network.UInt8(in secondary.First, at + Ipv4.TtlOffset),
                ToleratedField.Ttl)
            | If(OptionsDiffer(primary, secondary, Ipv4.LeastHeaderBytes), ToleratedField.IpOptions);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint DifferingIpv6(FrameView primary, FrameView secondary)
    {
        ulong first = Network.Difference64(in primary.First, in secondary.First, primary.Descriptor.Layout.NetworkOffset);
        return If((first & Ipv6.TrafficClassMask) != 0, ToleratedField.TrafficClass)
            | If((first & Ipv6.FlowLabelMask) != 0, ToleratedField.IpId)
            | If((first & Ipv6.HopLimitMask) != 0, ToleratedField.Ttl)
            | If(OptionsDiffer(primary, secondary, Ipv6.HeaderBytes), ToleratedField.IpOptions);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint DifferingTcp(FrameView primary, FrameView secondary)
    {
        ulong rest = TransportDifference(primary, secondary, Tcp.DataOffsetOffset, ulong.MaxValue);
        uint fields = (rest & Tcp.WindowMask) == 0
            ? 0 : DifferingWindow(new TcpSegment(primary).Window, new TcpSegment(secondary).Window);
        // The checksums of segments that were cut differently differ for that reason alone.
        bool sameLength = primary.Descriptor.Layout.PayloadLength == secondary.Descriptor.Layout.PayloadLength;
        return fields
            | If((rest & Tcp.PushMask) != 0, ToleratedField.Push)
            | If((rest & Tcp.UrgentMask) != 0, ToleratedField.Urgent)
            | If(sameLength && (rest & Tcp.ChecksumMask) != 0, ToleratedField.Checksum)
            | If(!ByteEquality.AreEqual(new TcpSegment(primary).Options, new TcpSegment(secondary).Options),
                ToleratedField.TcpOptions);
    }

    /// <summary>Whether the IPv4 options or the IPv6 extension headers differ.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool OptionsDiffer(FrameView primary, FrameView secondary, int headerBytes)
    {
        int ours = primary.Descriptor.Layout.TransportOffset - primary.Descriptor.Layout.NetworkOffset;
        int theirs = secondary.Descriptor.Layout.TransportOffset - secondary.Descriptor.Layout.NetworkOffset;
        return (ours | theirs) != headerBytes && !Options(primary, headerBytes).SequenceEqual(Options(secondary, headerBytes));
    }

    private static ReadOnlySpan<byte> Options(FrameView frame, int headerBytes) =>
        frame.Bytes[(frame.Descriptor.Layout.NetworkOffset + headerBytes)..frame.Descriptor.Layout.TransportOffset];

    /// <summary>The bits of a mask in which 8 bytes of the two transport headers differ.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong TransportDifference(FrameView primary, FrameView secondary, int offset, ulong mask)
    {
        ulong left = Network.Raw64(in primary.First, primary.Descriptor.Layout.TransportOffset + offset);
        ulong right = Network.Raw64(in secondary.First, secondary.Descriptor.Layout.TransportOffset + offset);
        return Network.Ordered(left ^ right) & mask;
    }

    private static uint DifferingWindow(ushort primary, ushort secondary) =>
        If(primary != secondary, ToleratedField.Window) | If(primary == 0 && secondary != 0, ToleratedField.ZeroWindow);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint If(bool differs, ToleratedField field) => differs ? Bit(field) : 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Bit(ToleratedField field) => 1u << (int)field;
}
