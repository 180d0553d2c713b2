// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Runtime.CompilerServices;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Compare;

/// <summary>
/// The byte ranges of a datagram that both replicas must send identically: of ICMP everything but the checksum, of every other
/// protocol the whole payload. Of the packet that an ICMP error message quotes, the fields that routers and kernels change are
/// left out as well (RFC 792, RFC 4443 section 3).
/// </summary>
internal struct ComparedParts
{
    private const int QuoteOffset = Icmp.HeaderBytes;

    private PartArray parts;

    public int Count { get; private set; }

    /// <summary>The range of one part, in bytes from the first compared byte of the frame.</summary>
    public readonly Range this[int index] => parts[index];

    /// <summary>Finds the parts of a frame that was parsed as something other than TCP.</summary>
    /// <param name="layout">Layout of the frame.</param>
    /// <param name="payload">Bytes of the frame from its payload offset on.</param>
    public static ComparedParts Of(in FrameLayout layout, ReadOnlySpan<byte> payload)
    {
        ComparedParts compared = default;
        if (layout.Kind is not (FrameKind.Icmp or FrameKind.IcmpV6))
        {
            compared.Add(0, payload.Length);
            return compared;
        }

        compared.Add(0, Icmp.ChecksumOffset);
        bool quotes = layout.Kind == FrameKind.Icmp ? Icmp.IsError(payload[0]) : payload[0] <= Icmp.V6LastErrorType;
        int quoteHeader = layout.Kind == FrameKind.Icmp ? Ipv4.LeastHeaderBytes : Ipv6.HeaderBytes;
        if (!quotes || payload.Length < QuoteOffset + quoteHeader)
        {
            compared.Add(Icmp.ChecksumOffset + sizeof(ushort), payload.Length);
            return compared;
        }

        compared.Add(Icmp.ChecksumOffset + sizeof(ushort), QuoteOffset);
        if (layout.Kind == FrameKind.Icmp)
        {
            compared.AddQuotedIpv4(payload);
        }
        else
        {
            compared.AddQuotedIpv6(payload);
        }

        return compared;
    }

    /// <summary>Finds the first difference between the compared parts of two datagrams.</summary>
    /// <returns>Its offset in bytes from the first compared byte of the left datagram, or -1 when all parts are equal.</returns>
    public static int FirstDifference(
        ReadOnlySpan<byte> left, in ComparedParts leftParts, ReadOnlySpan<byte> right, in ComparedParts rightParts)
    {
        for (int i = 0; i < leftParts.Count; i++)
        {
            if (i == rightParts.Count)
            {
                return leftParts[i].Start.Value;
            }

            int difference = ByteEquality.FirstDifference(left[leftParts[i]], right[rightParts[i]]);
            if (difference >= 0)
            {
                return leftParts[i].Start.Value + difference;
            }
        }

        return leftParts.Count == rightParts.Count ? -1 : left.Length;
    }

    private void AddQuotedIpv4(ReadOnlySpan<byte> payload)
    {
        const int Header = QuoteOffset;
        int transport = Math.Min(
            Header + Math.Max(Ipv4.LeastHeaderBytes, (payload[Header] & 0xF) * sizeof(uint)), payload.Length);
        Add(Header, Header + Ipv4.TrafficClassOffset);
        Add(Header + Ipv4.TotalLengthOffset, Header + Ipv4.IdOffset);
        Add(Header + Ipv4.FragmentOffset, Header + Ipv4.TtlOffset);
        Add(Header + Ipv4.ProtocolOffset, Header + Ipv4.ChecksumOffset);
        Add(Header + Ipv4.SourceOffset, transport);
        AddTransport(payload[Header + Ipv4.ProtocolOffset], transport, payload.Length);
    }

    private void AddQuotedIpv6(ReadOnlySpan<byte> payload)
    {
        const int Header = QuoteOffset;
        Add(Header + Ipv6.PayloadLengthOffset, Header + Ipv6.HopLimitOffset);
        Add(Header + Ipv6.SourceOffset, Header + Ipv6.HeaderBytes);
        AddTransport(payload[Header + Ipv6.NextHeaderOffset], Header + Ipv6.HeaderBytes, payload.Length);
    }

    private void AddTransport(byte protocol, int start, int end)
    {
        int checksum = protocol switch
        {
            Protocol.Tcp => Tcp.ChecksumOffset,
            Protocol.Udp => Udp.ChecksumOffset,
            Protocol.Icmp or Protocol.IcmpV6 => Icmp.ChecksumOffset,
            _ => end - start,
        };
        Add(start, Math.Min(start + checksum, end));
        Add(Math.Min(start + checksum + sizeof(ushort), end), end);
    }

    private void Add(int start, int end) => parts[Count++] = start..end;

    /// <summary>Room for the parts of an IPv4 error message: two of the ICMP header, five of the quoted IP header, two of the
    /// quoted transport header and payload.</summary>
    [InlineArray(9)]
    private struct PartArray
    {
        private Range first;
    }
}
