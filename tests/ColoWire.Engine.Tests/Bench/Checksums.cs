// SPDX-License-Identifier: GPL-2.0-or-later

using System.Buffers.Binary;

namespace ColoWire.Engine.Tests.Bench;

/// <summary>Checksums of TCP and UDP, computed step by step as RFC 1071 describes them: slow, obvious, and in network byte
/// order.</summary>
internal static class Checksums
{
    private const int EthernetBytes = 14;

    /// <summary>Adds 16-bit words in ones' complement: each carry is added to the least significant bit (RFC 1071 section
    /// 1).</summary>
    public static ushort Sum(params byte[] bytes)
    {
        int sum = 0;
        for (int i = 0; i < bytes.Length; i += 2)
        {
            sum += (bytes[i] << 8) | (i + 1 < bytes.Length ? bytes[i + 1] : 0);
            sum = (sum & 0xFFFF) + (sum >> 16);
        }

        return (ushort)sum;
    }

    /// <summary>The partial checksum that a guest writes when it leaves the rest to its NIC (CHECKSUM_PARTIAL): the
    /// pseudo-header's sum.</summary>
    public static ushort Partial(Packet packet)
    {
        byte[] transport = Transport(packet);
        byte protocol = packet is Segment ? (byte)6 : (byte)17;
        return Sum([.. packet.Source, .. packet.Destination, 0, protocol, (byte)(transport.Length >> 8), (byte)transport.Length]);
    }

    /// <summary>The complete checksum, as a NIC writes it.</summary>
    public static ushort Full(Packet packet)
    {
        byte[] transport = Transport(With(packet, 0));
        byte[] pseudo = new byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(pseudo, Partial(packet));
        ushort full = (ushort)~Sum([.. pseudo, .. transport]);
        return full == 0 && packet is Datagram ? (ushort)0xFFFF : full;
    }

    /// <summary>A checksum that is wrong by a given number, in ones' complement: never 0xFFFF, as computed ones are
    /// never.</summary>
    public static ushort Plus(ushort checksum, int error) => (ushort)((checksum + error) % 0xFFFF);

    public static Packet WithPartial(Packet packet) => With(packet, Partial(packet));

    public static Packet WithFull(Packet packet) => With(packet, Full(packet));

    public static Packet With(Packet packet, ushort checksum) => packet switch
    {
        Segment segment => segment with { Checksum = checksum },
        Datagram datagram => datagram with { Checksum = checksum },
        _ => throw new System.ArgumentException("has no checksum over a pseudo-header", nameof(packet)),
    };

    private static byte[] Transport(Packet packet)
    {
        int networkBytes = packet.Source.Length == 4 ? 20 + packet.IpOptions.Length : 40;
        return (packet with { PadTo = 0 }).Bytes()[(EthernetBytes + (4 * packet.Vlans.Length) + networkBytes)..];
    }
}
