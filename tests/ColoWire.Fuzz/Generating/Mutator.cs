// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;

namespace ColoWire.Fuzz.Generating;

/// <summary>Makes well-formed frames malformed: changes bits, fields of length and type, and the ends.</summary>
internal sealed class Mutator(Dice dice, FrameWriter writer)
{
    private static readonly ushort[] Odd = [0, 1, 2, 3, 4, 7, 8, 19, 20, 21, 39, 40, 59, 60, 0x7F, 0x80, 0xFF, 0x100, 0x5DC, 0x600, 0x1FFF, 0x2000,
        0x7FFF, 0x8000, 0xFFFE, 0xFFFF];

    // Ethertype, IPv4 version and length, total length, fragment offset, protocol; IPv6 payload length and next header; TCP data offset
    // and flags, UDP length, each without and with a tag, in IPv4 and in IPv6.
    private static readonly int[] Fields = [12, 14, 16, 20, 22, 23, 18, 20, 34, 36, 38, 40, 42, 46, 47, 54, 56, 58, 60, 62, 66, 67];

    /// <summary>Changes a copy of a frame; the original keeps its bytes.</summary>
    public Piece Change(Piece piece)
    {
        Piece copy = writer.Copy(writer.Bytes.AsSpan(piece.Offset, piece.Length).ToArray());
        int times = dice.OneIn(3) ? dice.Between(2, 6) : 1;
        for (int i = 0; i < times; i++)
        {
            copy = ChangeOnce(copy);
        }

        return copy;
    }

    private Piece ChangeOnce(Piece piece)
    {
        Span<byte> frame = writer.Bytes.AsSpan(piece.Offset, piece.Length);
        if (frame.Length < 2)
        {
            return piece;
        }

        switch (dice.Below(8))
        {
            case 0:
                frame[dice.Below(frame.Length)] ^= (byte)(1 << dice.Below(8));
                break;
            case 1:
                frame[dice.Below(Math.Min(frame.Length, 80))] = (byte)dice.Below(256);
                break;
            case 2 or 3:
                int field = dice.Pick<int>(Fields);
                if (field + 2 <= frame.Length)
                {
                    BinaryPrimitives.WriteUInt16BigEndian(frame[field..], dice.Pick<ushort>(Odd));
                }

                break;
            case 4:
                int near = dice.Pick<int>(Fields);
                if (near < frame.Length)
                {
                    frame[near] += (byte)dice.Between(-2, 2);
                }

                break;
            case 5:
                return piece with { Length = dice.OneIn(2) ? dice.Below(frame.Length) : frame.Length - dice.Below(Math.Min(frame.Length, 9)) };
            case 6:
                int from = dice.Below(frame.Length);
                int to = dice.Below(frame.Length);
                int count = Math.Min(dice.Between(1, 16), frame.Length - Math.Max(from, to));
                frame.Slice(from, count).CopyTo(frame[to..]);
                break;
            default:
                dice.Fill(frame.Slice(dice.Below(frame.Length), 1));
                break;
        }

        return piece;
    }
}
