// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Rings;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Compare;

/// <summary>
/// Compares datagrams (UDP, ICMP, fragments, any other IP) in the order in which each side sent them: the first of one side with
/// the first of the other.
/// </summary>
internal sealed class DatagramComparer(FrameArena arena, ShardCounters counters, SpscRing<FrameRef> secondaryHome)
{
    private readonly HeaderDifferences headers = new(arena, counters);

    /// <summary>Keeps a datagram of the secondary until the primary sends its twin.</summary>
    /// <returns>Whether the oldest held primary frame should be judged again.</returns>
    public bool AcceptSecondary(ref Flow flow, FrameRef secondary)
    {
        flow.Secondary.Append(arena, secondary);
        counters.SecondaryHeld++;
        return flow.Secondary.Count == 1;
    }

    /// <summary>Says what may happen to the oldest held primary frame; its twin goes home.</summary>
    public Verdict Judge(ref Flow flow, FrameRef primary)
    {
        if (flow.Secondary.IsEmpty)
        {
            return Verdict.Hold(DivergenceReason.Timeout);
        }

        FrameRef secondary = flow.Secondary.Head;
        int difference = FirstDifference(primary, secondary);
        if (difference >= 0)
        {
            return new Verdict(VerdictKind.Divergence, DivergenceReason.Payload, difference, secondary, difference);
        }

        headers.Count(primary, secondary);
        flow.Secondary.Remove(arena, secondary);
        counters.SecondaryHeld--;
        secondaryHome.Add(secondary);
        return Verdict.Release;
    }

    private int FirstDifference(FrameRef primary, FrameRef secondary)
    {
        ReadOnlySpan<byte> left = Payload(primary);
        ReadOnlySpan<byte> right = Payload(secondary);
        ref FrameLayout layout = ref arena[primary].Layout;
        if (layout.Kind is FrameKind.Icmp or FrameKind.IcmpV6)
        {
            return FirstIcmpDifference(left, right);
        }

        if (layout.Kind == FrameKind.Fragment && FragmentField(primary) != FragmentField(secondary))
        {
            return 0;
        }

        return ByteEquality.FirstDifference(left, right);
    }

    /// <summary>Type and code, then all behind the checksum, which a NIC may have left to be completed.</summary>
    private static int FirstIcmpDifference(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        const int BehindChecksum = Icmp.ChecksumOffset + sizeof(ushort);
        int difference = ByteEquality.FirstDifference(left[..Icmp.ChecksumOffset], right[..Icmp.ChecksumOffset]);
        if (difference < 0)
        {
            difference = ByteEquality.FirstDifference(left[BehindChecksum..], right[BehindChecksum..]);
            difference += difference < 0 ? 0 : BehindChecksum;
        }

        return difference;
    }

    /// <summary>Which part of its datagram a fragment is: offset and more-fragments; its identification is the guest's own choice.</summary>
    private int FragmentField(FrameRef fragment)
    {
        ref FrameLayout layout = ref arena[fragment].Layout;
        ReadOnlySpan<byte> bytes = arena.Bytes(fragment);
        return layout.IpVersion == 4
            ? Network.UInt16(bytes, layout.NetworkOffset + Ipv4.FragmentOffset) & ~Ipv4.DontFragment
            : Network.UInt16(bytes, layout.TransportOffset + Ipv6.FragmentFieldOffset);
    }

    private ReadOnlySpan<byte> Payload(FrameRef frame)
    {
        ref FrameLayout layout = ref arena[frame].Layout;
        return arena.Bytes(frame).Slice(layout.PayloadOffset, layout.PayloadLength);
    }
}
