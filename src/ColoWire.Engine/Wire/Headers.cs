// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace ColoWire.Engine.Wire;

/// <summary>
/// Ethernet (IEEE 802.3) and its VLAN tags (IEEE 802.1Q):
/// <code>
///  0           6           12    14
///  | destination | source  | type | ...
///  tag, in the place of the type: | TPID (2) | PCP 3, DEI 1, VID 12 (2) |
/// </code>
/// </summary>
internal static class Ethernet
{
    public const int HeaderBytes = 14;
    public const int AddressesBytes = 12;
    public const int TypeOffset = 12;
    public const int TagBytes = 4;

    public const ushort TypeIpv4 = 0x0800;
    public const ushort TypeArp = 0x0806;
    public const ushort TypeVlan = 0x8100;
    public const ushort TypeIpv6 = 0x86DD;
    public const ushort TypeMplsUnicast = 0x8847;
    public const ushort TypeMplsMulticast = 0x8848;
    public const ushort TypeServiceVlan = 0x88A8;
    public const ushort TypeLldp = 0x88CC;

    /// <summary>The smallest ethertype; smaller values of the field are a length (IEEE 802.3 clause 3.2.6).</summary>
    public const ushort LeastType = 0x0600;

    public const ushort VlanIdMask = 0x0FFF;
}

/// <summary>
/// IPv4 (RFC 791 section 3.1):
/// <code>
///  0         1         2              4        6                8     9          10         12       16            20
///  | ver,IHL | DSCP,ECN | total length | ID | flags, fragment | TTL | protocol | checksum | source | destination | options
/// </code>
/// </summary>
internal static class Ipv4
{
    public const int LeastHeaderBytes = 20;
    public const int TrafficClassOffset = 1;
    public const int TotalLengthOffset = 2;
    public const int IdOffset = 4;
    public const int FragmentOffset = 6;
    public const int TtlOffset = 8;
    public const int ProtocolOffset = 9;
    public const int ChecksumOffset = 10;
    public const int SourceOffset = 12;
    public const int DestinationOffset = 16;

    /// <summary>Version 4 and a header of five words: no options.</summary>
    public const byte PlainVersionAndLength = 0x45;

    /// <summary>Masks over the first 8 bytes of the header: DSCP and ECN, and the identification.</summary>
    public const ulong TrafficClassMask = 0x00FF_0000_0000_0000;

    public const ulong IdMask = 0x0000_0000_FFFF_0000;

    public const ushort DontFragment = 0x4000;
    public const ushort MoreFragments = 0x2000;
    public const ushort FragmentOffsetMask = 0x1FFF;
}

/// <summary>
/// IPv6 (RFC 8200 section 3):
/// <code>
///  0                             4                6             7           8        24            40
///  | version, class, flow label | payload length | next header | hop limit | source | destination |
/// </code>
/// </summary>
internal static class Ipv6
{
    public const int HeaderBytes = 40;
    public const int PayloadLengthOffset = 4;
    public const int NextHeaderOffset = 6;
    public const int HopLimitOffset = 7;
    public const int SourceOffset = 8;
    public const int DestinationOffset = 24;
    public const int AddressBytes = 16;

    /// <summary>Masks over the first 8 bytes of the header: DSCP and ECN, the flow label, and the hop limit.</summary>
    public const ulong TrafficClassMask = 0x0FF0_0000_0000_0000;

    public const ulong FlowLabelMask = 0x000F_FFFF_0000_0000;
    public const ulong HopLimitMask = 0xFF;

    /// <summary>
    /// The unit of an extension header's length, which does not count the first 8 bytes (RFC 8200 section 4.3).
    /// </summary>
    public const int ExtensionUnitBytes = 8;

    /// <summary>
    /// The fragment header (RFC 8200 section 4.5): next header, reserved, offset and M flag (2), identification (4).
    /// </summary>
    public const int FragmentHeaderBytes = 8;

    /// <summary>
    /// The offset of the first option in a destination options header, and two option types (RFC 8200 section 4.2, RFC 6275
    /// section 6.3).
    /// </summary>
    public const int OptionsOffset = 2;

    public const byte OptionPad1 = 0;
    public const byte OptionHomeAddress = 0xC9;

    public const int FragmentFieldOffset = 2;
    public const int FragmentIdOffset = 4;

    public const ushort FragmentOffsetMask = 0xFFF8;
    public const ushort MoreFragments = 0x0001;
}

/// <summary>
/// TCP (RFC 9293 section 3.1):
/// <code>
///  0             2                  4          8     12                13      14       16         18       20
///  | source port | destination port | sequence | ack | offset, reserved | flags | window | checksum | urgent | options
/// </code>
/// </summary>
internal static class Tcp
{
    public const int LeastHeaderBytes = 20;
    public const int SequenceOffset = 4;
    public const int AckOffset = 8;
    public const int DataOffsetOffset = 12;
    public const int FlagsOffset = 13;
    public const int WindowOffset = 14;
    public const int ChecksumOffset = 16;
    public const int UrgentOffset = 18;

    /// <summary>Masks over the 8 bytes from the data offset: PSH, window, checksum, and URG with the urgent pointer.</summary>
    public const ulong PushMask = (ulong)Psh << 48;

    public const ulong WindowMask = 0x0000_FFFF_0000_0000;
    public const ulong ChecksumMask = 0x0000_0000_FFFF_0000;
    public const ulong UrgentMask = ((ulong)Urg << 48) | 0xFFFF;

    /// <summary>
    /// Option kinds (RFC 9293 section 3.2, RFC 7323 sections 2.2 and 3.2, RFC 2018 sections 2 and 3, RFC 2385, RFC 5925). An
    /// option consists of kind, length and value; the first two kinds are single bytes.
    /// </summary>
    public const byte OptionEnd = 0;

    public const byte OptionPad = 1;
    public const byte OptionSegmentSize = 2;
    public const byte OptionWindowScale = 3;
    public const byte OptionSackPermitted = 4;
    public const byte OptionSack = 5;
    public const byte OptionTimestamps = 8;
    public const byte OptionMd5 = 19;
    public const byte OptionAuthentication = 29;

    /// <summary>Kind and length of an option.</summary>
    public const int OptionHeaderBytes = 2;

    /// <summary>A block of the SACK option: the left and the right edge (RFC 2018 section 3).</summary>
    public const int SackBlockBytes = 8;

    /// <summary>
    /// The timestamps option: kind, length, the sender's timestamp (TSval), the echoed one (TSecr) (RFC 7323 section 3.2).
    /// </summary>
    public const int TimestampsBytes = 10;

    public const int TimestampValueOffset = 2;
    public const int TimestampEchoOffset = 6;

    public const byte Fin = 0x01;
    public const byte Syn = 0x02;
    public const byte Rst = 0x04;
    public const byte Psh = 0x08;
    public const byte Ack = 0x10;
    public const byte Urg = 0x20;
}

/// <summary>
/// UDP (RFC 768):
/// <code>
///  0             2                  4        6          8
///  | source port | destination port | length | checksum |
/// </code>
/// </summary>
internal static class Udp
{
    public const int HeaderBytes = 8;
    public const int LengthOffset = 4;
    public const int ChecksumOffset = 6;

    /// <summary>The mask of the checksum over the 8 bytes of the header.</summary>
    public const ulong ChecksumMask = 0xFFFF;
}

/// <summary>ICMP (RFC 792) and ICMPv6 (RFC 4443): <c>| type | code | checksum (2) | the rest (4) |</c>.</summary>
internal static class Icmp
{
    public const int HeaderBytes = 8;
    public const int V6HeaderBytes = 4;
    public const int ChecksumOffset = 2;

    /// <summary>
    /// The first and the last assigned ICMPv6 error type; error messages quote the packet that caused them (RFC 4443 section
    /// 2.1).
    /// </summary>
    public const byte V6FirstErrorType = 1;

    public const byte V6LastErrorType = 4;

    /// <summary>
    /// The errors that state the length of their quote, and where (RFC 4884 section 4): destination unreachable, time exceeded
    /// and, in ICMP only, parameter problem.
    /// </summary>
    public const byte Unreachable = 3;

    public const byte TimeExceeded = 11;
    public const byte ParameterProblem = 12;
    public const int QuoteLengthOffset = 5;

    public const byte V6Unreachable = 1;
    public const byte V6TimeExceeded = 3;
    public const int V6QuoteLengthOffset = 4;

    /// <summary>
    /// The first and last type of a range: multicast listener query, report and done (RFC 2710), then neighbour discovery (RFC
    /// 4861).
    /// </summary>
    public const byte V6FirstControlType = 130;

    public const byte V6LastControlType = 137;

    /// <summary>Multicast listener report, version 2 (RFC 3810 section 5.2).</summary>
    public const byte V6ListenerReport2 = 143;

    /// <summary>
    /// Whether an ICMP type is an error message, which quotes the packet that caused it: destination unreachable, source quench,
    /// redirect, time exceeded, parameter problem (RFC 792).
    /// </summary>
    public static bool IsError(byte type) => type is 3 or 4 or 5 or 11 or 12;
}

/// <summary>IANA protocol numbers.</summary>
internal static class Protocol
{
    public const byte HopByHop = 0;
    public const byte Icmp = 1;
    public const byte Igmp = 2;
    public const byte Tcp = 6;
    public const byte Udp = 17;
    public const byte Routing = 43;
    public const byte Fragment = 44;
    public const byte Esp = 50;
    public const byte Ah = 51;
    public const byte IcmpV6 = 58;
    public const byte NoNextHeader = 59;
    public const byte DestinationOptions = 60;
    public const byte Mobility = 135;
    public const byte Sctp = 132;
}

/// <summary>
/// Reads integers in network byte order: from a span with a bounds check, while a frame is parsed; by reference without a check,
/// after parsing.
/// </summary>
internal static class Network
{
    /// <summary>Reads 8 bits of a header whose length was checked.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte UInt8(ref readonly byte header, int offset) => Unsafe.Add(ref Unsafe.AsRef(in header), offset);

    /// <summary>Reads 16 bits of a header whose length was checked.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ushort UInt16(ref readonly byte header, int offset)
    {
        ushort raw = Unsafe.ReadUnaligned<ushort>(in Unsafe.Add(ref Unsafe.AsRef(in header), offset));
        return BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(raw) : raw;
    }

    /// <summary>Reads 32 bits of a header whose length was checked.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint UInt32(ref readonly byte header, int offset)
    {
        uint raw = Raw32(in header, offset);
        return BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(raw) : raw;
    }

    /// <summary>Reads 16 bits in memory order, from a header whose length was checked.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ushort Raw16(ref readonly byte header, int offset) =>
        Unsafe.ReadUnaligned<ushort>(in Unsafe.Add(ref Unsafe.AsRef(in header), offset));

    /// <summary>Reads 32 bits in memory order, from a header whose length was checked.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Raw32(ref readonly byte header, int offset) =>
        Unsafe.ReadUnaligned<uint>(in Unsafe.Add(ref Unsafe.AsRef(in header), offset));

    /// <summary>Reads 64 bits in memory order, from a header whose length was checked.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Raw64(ref readonly byte header, int offset) =>
        Unsafe.ReadUnaligned<ulong>(in Unsafe.Add(ref Unsafe.AsRef(in header), offset));

    /// <summary>The bits in which 8 bytes of two headers differ, the first byte in the highest bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Difference64(ref readonly byte left, ref readonly byte right, int offset) =>
        Ordered(Raw64(in left, offset) ^ Raw64(in right, offset));

    /// <summary>Converts 8 bytes in memory order so that the first byte is in the highest bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Ordered(ulong raw) => BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(raw) : raw;

    public static ushort UInt16(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt16BigEndian(bytes[offset..]);

    public static uint UInt32(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt32BigEndian(bytes[offset..]);
}
