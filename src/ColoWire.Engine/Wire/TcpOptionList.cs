// SPDX-License-Identifier: GPL-2.0-or-later

using System;

namespace ColoWire.Engine.Wire;

/// <summary>What the option list of a TCP header is like (<see cref="TcpOptionList.Inspect"/>).</summary>
internal enum TcpOptionsState : byte
{
    /// <summary>Every option ends within the list, and each SACK and timestamps option has a valid length.</summary>
    WellFormed,

    /// <summary>The list consists of two pads and a timestamps option, which nearly every segment with options does (RFC 7323
    /// appendix A).</summary>
    AlignedTimestamps,

    /// <summary>An option is cut short, or a SACK or timestamps option has a length that its RFC does not allow.</summary>
    Malformed,

    /// <summary>The segment is signed: TCP MD5 (RFC 2385) or TCP-AO (RFC 5925).</summary>
    Signed,
}

/// <summary>
/// Walks the options of a TCP header (RFC 9293 section 3.2): kind, length (of all three parts) and value; the kinds 0 (end of the
/// list) and 1 (pad) are single bytes. A header has at most 40 bytes of options, which bounds each walk.
/// </summary>
internal static class TcpOptionList
{
    /// <summary>The offset of the timestamps option in a list that is <see cref="TcpOptionsState.AlignedTimestamps"/>.</summary>
    public const int AlignedTimestampsOffset = 2;

    private const uint AlignedTimestampsStart =
        (Tcp.OptionPad << 24) | (Tcp.OptionPad << 16) | (Tcp.OptionTimestamps << 8) | Tcp.TimestampsBytes;

    /// <summary>Checks a list once, so that it can be walked without further checks.</summary>
    /// <param name="options">The TCP header without its fixed part.</param>
    public static TcpOptionsState Inspect(ReadOnlySpan<byte> options)
    {
        if (IsAlignedTimestamps(options))
        {
            return TcpOptionsState.AlignedTimestamps;
        }

        TcpOptionsState state = TcpOptionsState.WellFormed;
        int at = 0;
        while (TryTake(options, ref at, out ReadOnlySpan<byte> option))
        {
            if (option[0] is Tcp.OptionMd5 or Tcp.OptionAuthentication)
            {
                return TcpOptionsState.Signed;
            }

            if (!IsValidLength(option[0], option.Length))
            {
                state = TcpOptionsState.Malformed;
            }
        }

        // An option that is left is cut short.
        return SkipPads(options, ref at) ? TcpOptionsState.Malformed : state;
    }

    /// <summary>Takes the next option that is no pad.</summary>
    /// <param name="options">The TCP header without its fixed part.</param>
    /// <param name="at">Where the search begins, and then the offset behind the option.</param>
    /// <param name="option">The option with its kind and length.</param>
    /// <returns>False at the end of the list, and at an option that is cut short.</returns>
    public static bool TryTake(ReadOnlySpan<byte> options, ref int at, out ReadOnlySpan<byte> option)
    {
        option = default;
        if (!SkipPads(options, ref at))
        {
            return false;
        }

        int length = at + 1 < options.Length ? options[at + 1] : 0;
        if (length < Tcp.OptionHeaderBytes || length > options.Length - at)
        {
            return false;
        }

        option = options.Slice(at, length);
        at += length;
        return true;
    }

    /// <summary>Takes the next block of a SACK option (RFC 2018 section 3).</summary>
    /// <param name="options">The TCP header without its fixed part.</param>
    /// <param name="at">The number of bytes of blocks that were taken before: 0 at first.</param>
    /// <param name="start">The sequence number of the first byte of the block.</param>
    /// <param name="end">The sequence number after its last byte.</param>
    /// <returns>False at the end of the first SACK option, and when there is no valid one.</returns>
    public static bool TryTakeSackBlock(ReadOnlySpan<byte> options, ref int at, out uint start, out uint end)
    {
        (start, end) = (0, 0);
        int first = 0;
        while (TryTake(options, ref first, out ReadOnlySpan<byte> option))
        {
            if (option[0] != Tcp.OptionSack || !IsValidLength(option[0], option.Length))
            {
                continue;
            }

            int offset = Tcp.OptionHeaderBytes + at;
            if (offset == option.Length)
            {
                return false;
            }

            start = Network.UInt32(option, offset);
            end = Network.UInt32(option, offset + sizeof(uint));
            at += Tcp.SackBlockBytes;
            return true;
        }

        return false;
    }

    /// <summary>Moves to the next option that is no pad.</summary>
    /// <param name="options">The TCP header without its fixed part.</param>
    /// <param name="at">Where the search begins, and the offset of the option.</param>
    /// <returns>False at the end of the list.</returns>
    public static bool SkipPads(ReadOnlySpan<byte> options, ref int at)
    {
        while (at < options.Length && options[at] == Tcp.OptionPad)
        {
            at++;
        }

        return at < options.Length && options[at] != Tcp.OptionEnd;
    }

    private static bool IsAlignedTimestamps(ReadOnlySpan<byte> options) =>
        options.Length == AlignedTimestampsOffset + Tcp.TimestampsBytes && Network.UInt32(options, 0) == AlignedTimestampsStart;

    private static bool IsValidLength(byte kind, int length) => kind switch
    {
        Tcp.OptionSack => length > Tcp.OptionHeaderBytes && (length - Tcp.OptionHeaderBytes) % Tcp.SackBlockBytes == 0,
        Tcp.OptionTimestamps => length == Tcp.TimestampsBytes,
        _ => true,
    };
}
