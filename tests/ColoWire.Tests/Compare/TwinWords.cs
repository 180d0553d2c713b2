// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;
using ColoWire.TwinMaker;

namespace ColoWire.Tests.Compare;

/// <summary>
/// What a guest says, whatever its wire makes of it: of each TCP connection the stream, its ends and the greatest acknowledgment,
/// of each other flow its datagrams, in no order. It shares nothing with the engine.
/// </summary>
internal static class TwinWords
{
    public static Dictionary<FlowKey, string> Of(IReadOnlyList<TwinFrame> frames)
    {
        Dictionary<FlowKey, string> words = [];
        foreach (IGrouping<FlowKey, TwinFrame> flow in frames.Where(frame => !frame.IsCopied).GroupBy(frame => frame.Flow))
        {
            words[flow.Key] = flow.All(frame => frame.IsTcp) ? Streams(flow) : Datagrams(flow);
        }

        return words;
    }

    /// <summary>The flows in which two guests do not say the same.</summary>
    public static List<FlowKey> Differences(IReadOnlyList<TwinFrame> left, IReadOnlyList<TwinFrame> right)
    {
        Dictionary<FlowKey, string> first = Of(left);
        Dictionary<FlowKey, string> second = Of(right);
        return [.. first.Keys.Union(second.Keys).Where(flow => first.GetValueOrDefault(flow) != second.GetValueOrDefault(flow))];
    }

    private static string Streams(IEnumerable<TwinFrame> frames)
    {
        List<Stream> streams = [];
        foreach (TwinFrame frame in frames)
        {
            bool isSyn = frame.Tcp.HasAny(TcpFlags.Syn);
            if (streams.Count == 0 || (isSyn && streams[^1].Initial != frame.Tcp.Sequence))
            {
                streams.Add(new Stream { Initial = isSyn ? frame.Tcp.Sequence : null });
            }

            streams[^1].Take(frame);
        }

        return string.Join(Environment.NewLine, streams.Select(stream => stream.ToString()));
    }

    private static string Datagrams(IEnumerable<TwinFrame> frames)
    {
        List<string> datagrams = [];
        foreach (IGrouping<long, TwinFrame> parts in frames.GroupBy(NumberOfDatagram))
        {
            byte[] content = Assembled(parts);
            int checksum = parts.First().Flow.Protocol switch { "udp" => 6, "icmp" or "icmpv6" => 2, _ => content.Length };
            for (int at = checksum; at < checksum + 2 && at < content.Length; at++)
            {
                content[at] = 0;
            }

            datagrams.Add(Convert.ToHexString(content));
        }

        return string.Join(Environment.NewLine, datagrams.Order(StringComparer.Ordinal));
    }

    // Frames that are none of a fragmented datagram have nothing in common with any other: their own hash tells them apart.
    private static long NumberOfDatagram(TwinFrame frame) => frame.Layout.IsFragment
        ? FlowFinder.Identification(frame.Bytes, frame.Layout)
        : (1L << 32) + System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(frame);

    /// <summary>Nothing where the fragments leave a hole, or overlap.</summary>
    private static byte[] Assembled(IEnumerable<TwinFrame> parts)
    {
        List<byte> content = [];
        foreach (TwinFrame part in parts.OrderBy(FragmentOffset))
        {
            if (FragmentOffset(part) != content.Count)
            {
                return [];
            }

            content.AddRange(Transport(part));
        }

        return [.. content];
    }

    private static int FragmentOffset(TwinFrame frame)
    {
        if (!frame.Layout.IsFragment)
        {
            return 0;
        }

        return frame.Layout.IpVersion == 4
            ? (BinaryPrimitives.ReadUInt16BigEndian(frame.Network[6..]) & 0x1FFF) * 8
            : BinaryPrimitives.ReadUInt16BigEndian(frame.Bytes.AsSpan(frame.Layout.Ipv6FragmentOffset + 2)) & 0xFFF8;
    }

    private static byte[] Transport(TwinFrame frame) =>
        frame.Bytes[frame.Layout.TransportOffset..(
            frame.Layout is { Transport: ColoWire.TwinMaker.Transport.Udp, IsFragment: false }
            ? frame.Layout.PayloadEnd : frame.Layout.IpEnd)];

    private sealed class Stream
    {
        private readonly SortedDictionary<uint, byte> bytes = [];
        private readonly SortedSet<uint> fins = [];
        private uint? acknowledged;
        private bool isAccepting;
        private bool isReset;

        /// <summary>The number of its SYN, from which all others are counted; null where there is none.</summary>
        public required uint? Initial { get; init; }

        public void Take(TwinFrame frame)
        {
            TcpHeader header = frame.Tcp;
            uint first = header.Sequence - (Initial ?? 0) + (header.HasAny(TcpFlags.Syn) ? 1u : 0u);
            for (int offset = 0; offset < frame.Layout.PayloadLength; offset++)
            {
                bytes.TryAdd(first + (uint)offset, frame.Payload[offset]);
            }

            if (header.HasAny(TcpFlags.Fin))
            {
                fins.Add(first + (uint)frame.Layout.PayloadLength);
            }

            isReset |= header.HasAny(TcpFlags.Rst);
            isAccepting |= header.HasAny(TcpFlags.Syn) && header.HasAny(TcpFlags.Ack);
            if (header.HasAny(TcpFlags.Ack)
                && (acknowledged is not uint before || SerialNumber.IsBefore(before, header.Acknowledgment)))
            {
                acknowledged = header.Acknowledgment;
            }
        }

        public override string ToString()
        {
            StringBuilder text = new();
            text.Append(CultureInfo.InvariantCulture,
                $"syn {Initial is not null} {isAccepting}, fin {string.Join(' ', fins)}, rst {isReset}, ");
            text.Append(CultureInfo.InvariantCulture, $"ack {acknowledged}, ");
            text.Append(CultureInfo.InvariantCulture, $"{string.Join(' ', bytes.Select(pair => $"{pair.Key}:{pair.Value:x2}"))}");
            return text.ToString();
        }
    }
}
