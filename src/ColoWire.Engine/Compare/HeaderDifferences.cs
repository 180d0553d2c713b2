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
/// Counts in which tolerated fields two frames with the same payload differ (R3). Both kernels and both NICs dress the same bytes
/// differently; an operator wants to know, a guest does not care.
/// </summary>
internal sealed class HeaderDifferences(FrameArena arena, ShardCounters counters, IEnumerable<ToleratedField> strict)
{
    private readonly uint strictFields = Bits(strict);

    /// <summary>Looks at all headers of a pair of frames of one flow, and counts the fields that differ.</summary>
    /// <returns>The first field that differs and that <c>strict</c> names, or null.</returns>
    public ToleratedField? Count(FrameRef primary, FrameRef secondary) => Count(Differing(arena.View(primary), arena.View(secondary)));

    /// <summary>As <see cref="Count(FrameRef, FrameRef)"/>, unless <c>strict</c> names a field that differs.</summary>
    /// <returns>False when it does; nothing is counted then.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryCount(FrameView primary, FrameView secondary) =>
        AreEqual(primary, secondary)
        || TryCountDiffering(ref primary.Descriptor, in primary.First, ref secondary.Descriptor, in secondary.First);

    /// <summary>Looks at the windows of two acknowledgments of the same bytes.</summary>
    /// <returns>The first field that differs and that <c>strict</c> names, or null.</returns>
    public ToleratedField? CountWindow(ushort primary, ushort secondary) => Count(DifferingWindow(primary, secondary));

    /// <summary>As <see cref="CountWindow"/>, unless <c>strict</c> names a field that differs.</summary>
    /// <returns>False when it does; nothing is counted then.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryCountWindow(ushort primary, ushort secondary) => primary == secondary || TryCount(DifferingWindow(primary, secondary));

    /// <summary>Looks at what two SYNs offer (<see cref="TcpSegment.SynOffer"/>).</summary>
    /// <returns>The field, when it differs and <c>strict</c> names it, or null.</returns>
    public ToleratedField? CountSyn(uint primary, uint secondary) => Count(If(primary != secondary, ToleratedField.SynOptions));

    /// <summary>Not inlined: the callers are, into the loop over a batch, and all of them together must stay within what the compiler
    /// inlines. A view as an argument would have to lie in memory.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryCountDiffering(ref Frame primary, ref readonly byte primaryFirst, ref Frame secondary, ref readonly byte secondaryFirst) =>
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

    /// <summary>Whether all headers are byte for byte the same.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool AreEqual(FrameView primary, FrameView secondary)
    {
        const int Width = 32;
        int length = primary.Descriptor.Layout.PayloadOffset;
        if (length is < Width or > 2 * Width)
        {
            return primary.Headers.SequenceEqual(secondary.Headers);
        }

        // The front and the back: together all, and none beyond either end.
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

    /// <summary>The fields that differ, a bit for each.</summary>
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

    /// <summary>Whether MAC addresses or priorities in VLAN tags differ. Both frames have as many tags, as they are of one flow.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool LinkDiffers(FrameView primary, FrameView secondary, int bytes)
    {
        // 14, 18 or 22 bytes: three words that overlap reach all of them, and none beyond.
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
            | If(Network.UInt8(in primary.First, at + Ipv4.TtlOffset) != Network.UInt8(in secondary.First, at + Ipv4.TtlOffset), ToleratedField.Ttl)
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
        // Checksums of TCP segments that were cut differently differ by nature; they say nothing.
        bool sameLength = primary.Descriptor.Layout.PayloadLength == secondary.Descriptor.Layout.PayloadLength;
        return fields
            | If((rest & Tcp.PushMask) != 0, ToleratedField.Push)
            | If((rest & Tcp.UrgentMask) != 0, ToleratedField.Urgent)
            | If(sameLength && (rest & Tcp.ChecksumMask) != 0, ToleratedField.Checksum)
            | If(!ByteEquality.AreEqual(new TcpSegment(primary).Options, new TcpSegment(secondary).Options), ToleratedField.TcpOptions);
    }

    /// <summary>Whether IPv4 options or IPv6 extension headers differ.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool OptionsDiffer(FrameView primary, FrameView secondary, int headerBytes)
    {
        int ours = primary.Descriptor.Layout.TransportOffset - primary.Descriptor.Layout.NetworkOffset;
        int theirs = secondary.Descriptor.Layout.TransportOffset - secondary.Descriptor.Layout.NetworkOffset;
        return (ours | theirs) != headerBytes && !Options(primary, headerBytes).SequenceEqual(Options(secondary, headerBytes));
    }

    private static ReadOnlySpan<byte> Options(FrameView frame, int headerBytes) =>
        frame.Bytes[(frame.Descriptor.Layout.NetworkOffset + headerBytes)..frame.Descriptor.Layout.TransportOffset];

    /// <summary>In which bits 8 bytes of the transport headers differ.</summary>
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
