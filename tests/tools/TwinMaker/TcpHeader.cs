// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;

namespace ColoWire.TwinMaker;

[Flags]
internal enum TcpFlags
{
    None = 0,
    Fin = 0x01,
    Syn = 0x02,
    Rst = 0x04,
    Psh = 0x08,
    Ack = 0x10,
    Urg = 0x20,
}

/// <summary>A view of a TCP header, options included.</summary>
internal readonly ref struct TcpHeader(Span<byte> bytes)
{
    private const int FixedLength = 20;
    private const int OptionEnd = 0;
    private const int OptionNoOperation = 1;
    private const int OptionTimestamps = 8;
    private const int OptionTimestampsLength = 10;

    private readonly Span<byte> _bytes = bytes;

    public uint Sequence
    {
        get => BinaryPrimitives.ReadUInt32BigEndian(_bytes[4..]);
        set => BinaryPrimitives.WriteUInt32BigEndian(_bytes[4..], value);
    }

    public uint Acknowledgment
    {
        get => BinaryPrimitives.ReadUInt32BigEndian(_bytes[8..]);
        set => BinaryPrimitives.WriteUInt32BigEndian(_bytes[8..], value);
    }

    public TcpFlags Flags
    {
        get => (TcpFlags)_bytes[13];
        set => _bytes[13] = (byte)value;
    }

    public ushort Window
    {
        get => BinaryPrimitives.ReadUInt16BigEndian(_bytes[14..]);
        set => BinaryPrimitives.WriteUInt16BigEndian(_bytes[14..], value);
    }

    public bool HasAny(TcpFlags flags) => (Flags & flags) != 0;

    /// <summary>TSval and TSecr, 8 bytes; empty where the option is absent or the options are broken.</summary>
    public Span<byte> Timestamps
    {
        get
        {
            int offset = FixedLength;
            while (offset < _bytes.Length && _bytes[offset] != OptionEnd)
            {
                if (_bytes[offset] == OptionNoOperation)
                {
                    offset++;
                    continue;
                }

                if (offset + 1 >= _bytes.Length || _bytes[offset + 1] < 2 || offset + _bytes[offset + 1] > _bytes.Length)
                    break;
                if (_bytes[offset] == OptionTimestamps && _bytes[offset + 1] == OptionTimestampsLength)
                    return _bytes.Slice(offset + 2, 8);
                offset += _bytes[offset + 1];
            }

            return [];
        }
    }
}
