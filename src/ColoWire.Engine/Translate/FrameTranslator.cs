// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Translate;

/// <summary>
/// Rewrites a frame of a TCP connection between the numbers of the world and those of one replica (R12). It changes the fields
/// that contain numbers of the guest and the checksums over these fields, and nothing else. It allocates nothing and does not
/// throw, whatever the bytes are.
/// </summary>
internal static class FrameTranslator
{
    /// <summary>
    /// Rewrites a client's frame for a replica: the acknowledgment number, the SACK blocks (RFC 2018; RFC 2883 for duplicates),
    /// the echoed timestamp (RFC 7323 section 3.2); in an ICMP or ICMPv6 error the quoted sequence number (<see
    /// cref="QuotedSegment"/>).
    /// </summary>
    /// <param name="frame">The bytes of the frame.</param>
    /// <param name="layout">The layout that was parsed from these bytes.</param>
    /// <param name="translation">The translation of the connection for this replica.</param>
    /// <param name="greatestTimestamp">The greatest timestamp that the replica has sent on the connection: an echo never exceeds
    /// it; null when it is not known.</param>
    public static TranslationOutcome ToReplica(
        Span<byte> frame, in FrameLayout layout, in Translation translation, uint? greatestTimestamp)
    {
        if (translation.IsIdentity)
        {
            return TranslationOutcome.Unchanged;
        }

        return layout.Kind is FrameKind.Icmp or FrameKind.IcmpV6
            ? QuotedSegment.ToReplica(frame, in layout, in translation)
            : Translate<InboundDirection>(frame, in layout, in translation, greatestTimestamp);
    }

    /// <summary>
    /// Rewrites a replica's frame for the world, the inverse of <see cref="ToReplica"/>: the sequence number and the timestamp.
    /// ICMP errors that a guest sends quote the client's segments; they stay unchanged, because the client identifies its
    /// segment by its own sequence number.
    /// </summary>
    /// <param name="frame">The bytes of the frame.</param>
    /// <param name="layout">The layout that was parsed from these bytes.</param>
    /// <param name="translation">The translation of the connection for this replica.</param>
    /// <param name="greatestTimestamp">The greatest timestamp of the guest that the world has received on the connection: no
    /// translated one is before it; null when it is not known.</param>
    public static TranslationOutcome ToWorld(
        Span<byte> frame, in FrameLayout layout, in Translation translation, uint? greatestTimestamp) =>
        translation.IsIdentity
            ? TranslationOutcome.Unchanged
            : Translate<OutboundDirection>(frame, in layout, in translation, greatestTimestamp);

    /// <summary>Reads the guest's flow whose numbers a client's frame contains although the frame is no whole segment: the flow
    /// of the segment that an ICMP or ICMPv6 error quotes, or that a first fragment begins.</summary>
    /// <param name="frame">The bytes of the frame.</param>
    /// <param name="layout">The layout that was parsed from these bytes.</param>
    /// <param name="key">The key of the flow, as the guest sends it.</param>
    /// <returns>False for all other frames, for a quote that <see cref="ToReplica"/> leaves unchanged in every translation, and
    /// for a first fragment without the ports.</returns>
    public static bool TryReadFlow(ReadOnlySpan<byte> frame, in FrameLayout layout, out FlowKey key)
    {
        key = default;
        if (layout.Kind == FrameKind.Fragment)
        {
            bool hasPorts = StartsSegment(frame, in layout) && layout.PayloadLength >= sizeof(uint);
            if (hasPorts)
            {
                FlowKey.ReadStart(frame, in layout, out FlowKey clients);
                key = clients.Reversed();
            }

            return hasPorts;
        }

        bool isFound = QuotedSegment.TryFind(frame, in layout, out QuotedSegment quoted);
        if (isFound)
        {
            quoted.ReadKey(frame, in layout, out key);
        }

        return isFound;
    }

    private static bool StartsSegment(ReadOnlySpan<byte> frame, in FrameLayout layout) =>
        layout.Kind == FrameKind.Fragment && layout.Protocol == Protocol.Tcp && FragmentHeader.Read(frame, in layout).Start == 0;

    private static TranslationOutcome Translate<TDirection>(
        Span<byte> frame, in FrameLayout layout, in Translation translation, uint? greatestTimestamp)
        where TDirection : struct, ITranslationDirection
    {
        if (layout.Kind == FrameKind.Tcp)
        {
            Span<byte> header = frame[layout.TransportOffset..layout.PayloadOffset];
            return TranslateHeader<TDirection>(header, in translation, greatestTimestamp);
        }

        if (!StartsSegment(frame, in layout))
        {
            return TranslationOutcome.Unchanged;
        }

        // The parser has not parsed beyond the headers of the fragment.
        Span<byte> start = frame.Slice(layout.PayloadOffset, layout.PayloadLength);
        int headerBytes = start.Length < Tcp.LeastHeaderBytes ? 0 : (start[Tcp.DataOffsetOffset] >> 4) * sizeof(uint);
        return headerBytes < Tcp.LeastHeaderBytes || headerBytes > start.Length
            ? TranslationOutcome.HeaderCut
            : TranslateHeader<TDirection>(start[..headerBytes], in translation, greatestTimestamp);
    }

    private static TranslationOutcome TranslateHeader<TDirection>(
        Span<byte> header, in Translation translation, uint? greatestTimestamp)
        where TDirection : struct, ITranslationDirection
    {
        TcpOptionsState options = TcpOptionList.Inspect(header[Tcp.LeastHeaderBytes..]);
        if (options == TcpOptionsState.Signed)
        {
            return TranslationOutcome.Signed;
        }

        if ((header[Tcp.FlagsOffset] & TDirection.RequiredFlags) != TDirection.RequiredFlags)
        {
            return TranslationOutcome.Unchanged;
        }

        ChecksumUpdate checksum = default;
        Shift<TDirection>(header, TDirection.NumberOffset, in translation, ref checksum);
        if (options == TcpOptionsState.AlignedTimestamps)
        {
            const int At = Tcp.LeastHeaderBytes + TcpOptionList.AlignedTimestampsOffset;
            TranslateTimestamp<TDirection>(header, At, in translation, greatestTimestamp, ref checksum);
        }
        else if (options == TcpOptionsState.WellFormed)
        {
            TranslateOptions<TDirection>(header, in translation, greatestTimestamp, ref checksum);
        }

        checksum.ApplyTo(header, Tcp.ChecksumOffset);
        return options == TcpOptionsState.Malformed ? TranslationOutcome.BadOption
            : checksum.HasChanged ? TranslationOutcome.Translated : TranslationOutcome.Unchanged;
    }

    private static void TranslateOptions<TDirection>(
        Span<byte> header, in Translation translation, uint? greatestTimestamp, ref ChecksumUpdate checksum)
        where TDirection : struct, ITranslationDirection
    {
        for (int at = Tcp.LeastHeaderBytes; TcpOptionList.SkipPads(header, ref at); at += header[at + 1])
        {
            if (header[at] == Tcp.OptionTimestamps)
            {
                TranslateTimestamp<TDirection>(header, at, in translation, greatestTimestamp, ref checksum);
            }
            else if (header[at] == Tcp.OptionSack && TDirection.TranslatesSack)
            {
                // The two edges of each block (RFC 2018 section 3); of a duplicate's block as well (RFC 2883 section 4).
                int end = at + header[at + 1];
                for (int edge = at + Tcp.OptionHeaderBytes; edge < end; edge += sizeof(uint))
                {
                    Shift<TDirection>(header, edge, in translation, ref checksum);
                }
            }
        }
    }

    private static void TranslateTimestamp<TDirection>(
        Span<byte> header, int option, in Translation translation, uint? greatestTimestamp, ref ChecksumUpdate checksum)
        where TDirection : struct, ITranslationDirection
    {
        if (translation.HasTimestampOffset)
        {
            int at = option + TDirection.TimestampOffset;
            uint timestamp = Network.UInt32(header, at);
            uint shifted = TDirection.ShiftTimestamp(timestamp, translation.TimestampOffset, greatestTimestamp);
            checksum.Replace32(header, at, shifted);
        }
    }

    private static void Shift<TDirection>(Span<byte> header, int at, in Translation translation, ref ChecksumUpdate checksum)
        where TDirection : struct, ITranslationDirection =>
        checksum.Replace32(header, at, TDirection.Shift(Network.UInt32(header, at), translation.SequenceOffset));
}
