// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Diagnostics.CodeAnalysis;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Flows;

/// <summary>
/// The identity of a connection, as a guest sends it: VLAN tags, addresses, protocol, ports. A key has twelve words of 32 bits
/// for both IPv4 and IPv6, so that equality and hash are computed in the same way. Addresses and ports are in network byte order.
/// </summary>
/// <remarks>
/// Words 0-7: source and destination address, adjacent as in the IP header (IPv4: words 0 and 1; IPv6: words 0-3 and 4-7).
/// Word 8: source and destination port (0 when the protocol has none).
/// Word 9: IP version, protocol, and whether the key is that of fragments.
/// Word 10: VLAN identifiers, the outer one in the high half, each with bit 15 set when the tag exists.
/// Word 11: 0, or the identification in the key of a fragmented datagram. The priority bits of a tag are not part of the key
/// (R3).
/// </remarks>
[InlineArray(Words)]
public struct FlowKey : IEquatable<FlowKey>
{
    /// <summary>The number of 32-bit words in a key.</summary>
    public const int Words = 12;

    internal const int AddressesWord = 0;
    internal const int PortsWord = 8;
    internal const int ProtocolWord = 9;
    internal const int VlanWord = 10;
    internal const int DatagramWord = 11;

    private uint first;

    /// <summary>IP version, 4 or 6.</summary>
    public readonly int IpVersion => (int)(this[ProtocolWord] >> 16) & 0xFF;

    /// <summary>IANA protocol number.</summary>
    public readonly byte Protocol => (byte)this[ProtocolWord];

    /// <summary>Whether the key is that of fragments, whose ports are not part of it.</summary>
    public readonly bool IsFragment => (this[ProtocolWord] & 0x100) != 0;

    /// <summary>Source port; 0 where the protocol has none.</summary>
    public readonly ushort SourcePort => BigEndian((ushort)this[PortsWord]);

    /// <summary>Destination port; 0 where the protocol has none.</summary>
    public readonly ushort DestinationPort => BigEndian((ushort)(this[PortsWord] >> 16));

    /// <summary>Identifier of the outer VLAN, or -1 without a tag.</summary>
    public readonly int OuterVlan => Vlan((ushort)(this[VlanWord] >> 16));

    /// <summary>Identifier of the inner VLAN, or -1 without a second tag.</summary>
    public readonly int InnerVlan => Vlan((ushort)this[VlanWord]);

    /// <summary>Reads the key of the flow to which a parsed frame belongs.</summary>
    /// <param name="frame">The bytes from which <paramref name="layout"/> was parsed.</param>
    /// <param name="layout">A layout whose kind is neither NotCompared nor Malformed.</param>
    /// <param name="key">The key.</param>
    public static void Read(ReadOnlySpan<byte> frame, in FrameLayout layout, out FlowKey key)
    {
        key = default;
        Span<byte> bytes = MemoryMarshal.AsBytes((Span<uint>)key);
        ReadOnlySpan<byte> network = frame[layout.NetworkOffset..];
        // The two addresses are adjacent in the header, as in the key.
        ReadOnlySpan<byte> addresses = layout.IpVersion == 4
            ? network.Slice(Ipv4.SourceOffset, 2 * sizeof(uint))
            : network.Slice(Ipv6.SourceOffset, 2 * Ipv6.AddressBytes);
        addresses.CopyTo(bytes[(AddressesWord * sizeof(uint))..]);
        if (layout.Kind is FrameKind.Tcp or FrameKind.Udp)
        {
            frame.Slice(layout.TransportOffset, sizeof(uint)).CopyTo(bytes[(PortsWord * sizeof(uint))..]);
        }

        key[ProtocolWord] = ProtocolBits(layout.IpVersion, layout.Protocol, layout.Kind == FrameKind.Fragment);
        key[VlanWord] = VlanBits(in MemoryMarshal.GetReference(frame), layout.VlanTags);
    }

    /// <summary>
    /// Reads the key of the datagram to which a fragment belongs: VLAN tags, addresses, identification and, in IPv4, the protocol
    /// (RFC 791 section 3.2). The fragments of one IPv6 datagram may have different Next Header values (RFC 8200 section 4.5).
    /// </summary>
    internal static void ReadDatagram(ReadOnlySpan<byte> frame, in FrameLayout layout, uint id, out FlowKey key)
    {
        Read(frame, in layout, out key);
        byte protocol = layout.IpVersion == 4 ? layout.Protocol : (byte)0;
        key[ProtocolWord] = ProtocolBits(layout.IpVersion, protocol, fragment: true);
        key[DatagramWord] = id;
    }

    /// <summary>Reads the key of the flow of the TCP or UDP packet that a first fragment begins. The fragment contains at least
    /// the two ports.</summary>
    internal static void ReadStart(ReadOnlySpan<byte> frame, in FrameLayout layout, out FlowKey key)
    {
        Read(frame, in layout, out key);
        Span<byte> bytes = MemoryMarshal.AsBytes((Span<uint>)key);
        frame.Slice(layout.PayloadOffset, sizeof(uint)).CopyTo(bytes[(PortsWord * sizeof(uint))..]);
        key[ProtocolWord] = ProtocolBits(layout.IpVersion, layout.Protocol, fragment: false);
    }

    /// <summary>Word <see cref="VlanWord"/> of the key of a parsed frame.</summary>
    /// <param name="first">The first byte of the frame.</param>
    /// <param name="tags">The number of VLAN tags in the frame.</param>
    internal static uint VlanBits(ref readonly byte first, int tags)
    {
        uint bits = 0;
        for (int i = 0; i < tags; i++)
        {
            int tagControl = Network.UInt16(in first, Ethernet.AddressesBytes + (i * Ethernet.TagBytes) + sizeof(ushort));
            bits |= (uint)((tagControl & Ethernet.VlanIdMask) | 0x8000) << (i == 0 ? 16 : 0);
        }

        return bits;
    }

    /// <summary>The source address, 4 or 16 bytes.</summary>
    public readonly byte[] SourceAddress() => SourceBytes.ToArray();

    /// <summary>The destination address, 4 or 16 bytes.</summary>
    public readonly byte[] DestinationAddress() => DestinationBytes.ToArray();

    [UnscopedRef]
    internal readonly ReadOnlySpan<byte> SourceBytes => Addresses[..AddressBytes];

    [UnscopedRef]
    internal readonly ReadOnlySpan<byte> DestinationBytes => Addresses.Slice(AddressBytes, AddressBytes);

    private readonly int AddressBytes => IpVersion == 4 ? sizeof(uint) : Ipv6.AddressBytes;

    [UnscopedRef]
    private readonly ReadOnlySpan<byte> Addresses => MemoryMarshal.AsBytes((ReadOnlySpan<uint>)this);

    internal static uint ProtocolBits(int ipVersion, byte protocol, bool fragment) =>
        ((uint)ipVersion << 16) | (fragment ? 0x100u : 0u) | protocol;

    /// <summary>
    /// The keyed hash: pairwise multilinear hashing, which is strongly universal (Lemire and Kaser, "Strongly universal string
    /// hashing is fast", 2014). Two keys that were chosen without knowledge of the secret collide with a probability of 2^-32.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly uint Hash(in FlowHashKey secret)
    {
        ulong sum = secret[0];
        for (int i = 0; i < Words; i += 2)
        {
            sum += (secret[i + 1] + this[i]) * (secret[i + 2] + this[i + 1]);
        }

        return (uint)(sum >> 32);
    }

    /// <inheritdoc/>
    public readonly bool Equals(FlowKey other) => ((ReadOnlySpan<uint>)this).SequenceEqual(other);

    /// <summary>Whether a frame belongs to the flow of this key. Equivalent to reading the key of the frame and comparing the two
    /// keys, but builds no key. The frame was identified (<see cref="FlowHash"/>), and its kind is neither NotCompared nor
    /// Malformed. <see cref="DatagramWord"/> is 0 in the key of every flow.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal readonly bool Matches(FrameView frame) =>
        LongAt(PortsWord) == frame.Descriptor.PortsAndProtocol
        && this[VlanWord] == frame.Descriptor.VlanIds
        && (frame.Descriptor.Layout.IpVersion == 4 ? MatchesIpv4(frame) : MatchesIpv6(frame));

    /// <summary>As <see cref="Matches"/>, for a client's frame, which was identified by the key of the guest's flow: source and
    /// destination are exchanged in the frame.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal readonly bool MatchesClient(FrameView frame)
    {
        if (LongAt(PortsWord) != frame.Descriptor.PortsAndProtocol || this[VlanWord] != frame.Descriptor.VlanIds)
        {
            return false;
        }

        int network = frame.Descriptor.Layout.NetworkOffset;
        return frame.Descriptor.Layout.IpVersion == 4
            ? LongAt(AddressesWord) == BitOperations.RotateLeft(Network.Raw64(in frame.First, network + Ipv4.SourceOffset), 32)
            : MatchesIpv6Client(in Unsafe.Add(ref Unsafe.AsRef(in frame.First), network + Ipv6.SourceOffset));
    }

    private readonly bool MatchesIpv6Client(ref readonly byte addresses)
    {
        ref byte words = ref Unsafe.As<uint, byte>(ref Unsafe.AsRef(in first));
        return Vector128.LoadUnsafe(in addresses) == Vector128.LoadUnsafe(in words, Ipv6.AddressBytes)
            && Vector128.LoadUnsafe(in addresses, Ipv6.AddressBytes) == Vector128.LoadUnsafe(in words);
    }

    /// <summary>The key of the flow in the other direction: source and destination are exchanged.</summary>
    internal readonly FlowKey Reversed()
    {
        FlowKey key = this;
        Span<byte> to = MemoryMarshal.AsBytes((Span<uint>)key);
        DestinationBytes.CopyTo(to);
        SourceBytes.CopyTo(to[AddressBytes..]);
        key[PortsWord] = BitOperations.RotateLeft(this[PortsWord], 16);
        return key;
    }

    /// <summary>Compares the addresses of an IPv4 frame. Words 2 to 7 are 0 in every IPv4 key.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly bool MatchesIpv4(FrameView frame) =>
        LongAt(AddressesWord) == Network.Raw64(in frame.First, frame.Descriptor.Layout.NetworkOffset + Ipv4.SourceOffset);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly bool MatchesIpv6(FrameView frame)
    {
        ref readonly byte addresses = ref Unsafe.Add(
            ref Unsafe.AsRef(in frame.First), frame.Descriptor.Layout.NetworkOffset + Ipv6.SourceOffset);
        ref byte words = ref Unsafe.As<uint, byte>(ref Unsafe.AsRef(in first));
        return Vector256.LoadUnsafe(in addresses) == Vector256.LoadUnsafe(in words);
    }

    /// <summary>Two adjacent words, the first one in the lower half of a little-endian processor's number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal readonly ulong LongAt(int word) =>
        Unsafe.As<uint, ulong>(ref Unsafe.Add(ref Unsafe.AsRef(in first), word));

    /// <inheritdoc/>
    public override readonly bool Equals(object? obj) => obj is FlowKey other && Equals(other);

    /// <inheritdoc/>
    public override readonly int GetHashCode() => (int)Hash(default);

    /// <summary>Equality of all words.</summary>
    public static bool operator ==(FlowKey left, FlowKey right) => left.Equals(right);

    /// <summary>Inequality of any word.</summary>
    public static bool operator !=(FlowKey left, FlowKey right) => !left.Equals(right);

    private static int Vlan(ushort bits) => (bits & 0x8000) != 0 ? bits & 0xFFF : -1;

    private static ushort BigEndian(ushort value) =>
        BitConverter.IsLittleEndian ? System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(value) : value;
}
