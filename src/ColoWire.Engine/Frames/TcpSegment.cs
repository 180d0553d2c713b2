// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Frames;

/// <summary>
/// A view of the TCP header of a frame that was parsed as TCP. The parser has checked all lengths, so no accessor can fail.
/// </summary>
internal readonly ref struct TcpSegment
{
    private readonly ref readonly byte header;
    private readonly ushort headerBytes;
    private readonly ushort payloadLength;

    /// <summary>Makes a view of a frame that was parsed as TCP.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TcpSegment(FrameView frame)
    {
        ref Frame descriptor = ref frame.Descriptor;
        header = ref Unsafe.Add(ref Unsafe.AsRef(in frame.First), descriptor.Layout.TransportOffset);
        headerBytes = (ushort)(descriptor.Layout.PayloadOffset - descriptor.Layout.TransportOffset);
        payloadLength = descriptor.Layout.PayloadLength;
    }

    public uint Sequence => Network.UInt32(in header, Tcp.SequenceOffset);

    public uint Ack => Network.UInt32(in header, Tcp.AckOffset);

    public byte Flags => Network.UInt8(in header, Tcp.FlagsOffset);

    /// <summary>The acknowledgment number, then data offset and flags, in network byte order.</summary>
    public (uint Ack, ushort LengthAndFlags) AckAndFlags =>
        (Network.Raw32(in header, Tcp.AckOffset), Network.Raw16(in header, Tcp.DataOffsetOffset));

    /// <summary>The options, without the fixed part of the header.</summary>
    public ReadOnlySpan<byte> Options
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => MemoryMarshal.CreateReadOnlySpan(
            in Unsafe.Add(ref Unsafe.AsRef(in header), Tcp.LeastHeaderBytes), headerBytes - Tcp.LeastHeaderBytes);
    }

    public ushort Window => Network.UInt16(in header, Tcp.WindowOffset);

    /// <summary>The bit of <see cref="SynOffer"/> for the timestamps option.</summary>
    public const uint OffersTimestamps = 1u << 27;

    /// <summary>
    /// The options of a SYN that are compared, as one number: maximum segment size (low 16 bits), window scale (8 bits), and
    /// four bits: MSS present, window scale present, SACK permitted, timestamps present. A truncated option ends the list.
    /// </summary>
    public uint SynOffer
    {
        get
        {
            uint offer = 0;
            int at = 0;
            while (TcpOptionList.TryTake(Options, ref at, out ReadOnlySpan<byte> option))
            {
                offer |= (option[0], option.Length) switch
                {
                    (Tcp.OptionSegmentSize, 4) => Network.UInt16(option, 2) | (1u << 24),
                    (Tcp.OptionWindowScale, 3) => ((uint)option[2] << 16) | (1u << 25),
                    (Tcp.OptionSackPermitted, 2) => 1u << 26,
                    (Tcp.OptionTimestamps, Tcp.TimestampsBytes) => OffersTimestamps,
                    _ => 0,
                };
            }

            return offer;
        }
    }

    /// <summary>Reads TSval of the timestamps option (RFC 7323 section 3.2).</summary>
    /// <returns>False when the segment has no such option, or when an option before it is cut short.</returns>
    public bool TryReadTimestamp(out uint value)
    {
        int at = 0;
        while (TcpOptionList.TryTake(Options, ref at, out ReadOnlySpan<byte> option))
        {
            if (option[0] == Tcp.OptionTimestamps && option.Length == Tcp.TimestampsBytes)
            {
                value = Network.UInt32(option, Tcp.TimestampValueOffset);
                return true;
            }
        }

        value = 0;
        return false;
    }

    public bool Has(byte flag) => (Flags & flag) != 0;

    /// <summary>
    /// Whether the segment aborts a connection. A RST has no other effect: its SYN and FIN flags do not count, and its payload is
    /// diagnostic text that belongs to no stream (RFC 9293 sections 3.5.3 and 3.10.7.4, RFC 1122 section 4.2.2.12).
    /// </summary>
    public bool Resets => Has(Tcp.Rst);

    /// <summary>Whether the segment opens a connection.</summary>
    public bool Opens => (Flags & (Tcp.Syn | Tcp.Rst)) == Tcp.Syn;

    /// <summary>Whether the segment closes its stream.</summary>
    public bool Closes => (Flags & (Tcp.Fin | Tcp.Rst)) == Tcp.Fin;

    /// <summary>
    /// The sequence number of the first payload byte; a SYN occupies the number before it (RFC 9293 section 3.4).
    /// </summary>
    public uint StreamStart => Sequence + (Opens ? 1u : 0u);

    /// <summary>The sequence number after the last payload byte, which is that of the FIN where there is one.</summary>
    public uint StreamEnd => StreamStart + (Resets ? 0u : payloadLength);

    /// <summary>The sequence number after the segment, its FIN included.</summary>
    public uint Next => StreamEnd + (Closes ? 1u : 0u);
}
