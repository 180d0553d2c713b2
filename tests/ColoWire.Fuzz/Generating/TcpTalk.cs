// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine.Wire;

namespace ColoWire.Fuzz.Generating;

/// <summary>
/// A TCP connection whose two replicas mostly send the same: new bytes, retransmissions, bytes behind a hole, keepalives, closes
/// and resets; and now and then segments that no conforming stack sends: sequence numbers half the number space away, RST with
/// data, SYN with RST.
/// </summary>
internal sealed class TcpTalk(Dice dice, Route route, int wildness, int largest)
{
    private static readonly uint[] Starts = [0, 1, 1000, 0x7FFFFFFF, 0x80000000, 0x80000001, 0xFFFFFFF0, 0xFFFFFFFF];
    private static readonly uint[] Jumps =
        [0x80000000, 0x7FFFFFFF, 0x80000001, 0x80000000 + 700, 0x40000000, 0x3FFFFFFF, 0x40000001, 0xC0000000, 0x20000000,
            1 << 16];

    private readonly uint salt = (uint)dice.Below(4);
    private uint next = dice.OneIn(2) ? dice.Pick<uint>(Starts) : (uint)dice.Next();
    private uint start;
    private uint end;
    private bool isClosed;
    private bool isReset;
    private uint ack = dice.OneIn(2) ? dice.Pick<uint>(Starts) : (uint)dice.Next();

    public Route Route => route;

    /// <summary>The sequence number after the last byte of the guest.</summary>
    public uint Next => next;

    /// <summary>The sequence number of the client's next byte, as far as the guest has acknowledged.</summary>
    public uint ClientNext => ack;

    /// <summary>The number that the secondary adds to its sequence numbers: 0 unless it has chosen another initial sequence
    /// number.</summary>
    public uint SecondaryLead { get; private set; }

    /// <summary>The next segment, in the primary's numbers.</summary>
    public SegmentText Say()
    {
        SegmentText text = new()
        {
            Sequence = next,
            Ack = ack,
            Flags = Tcp.Ack,
            Window = dice.OneIn(8) ? (ushort)(dice.OneIn(4) ? 0 : dice.Below(65536)) : (ushort)1000,
            Options = dice.OneIn(3) ? (byte)dice.Below(FrameWriter.OptionKinds) : (byte)0,
            Salt = salt,
        };
        if (end == 0 && start == 0)
        {
            start = next;
            end = next;
        }

        if (dice.OneIn(2))
        {
            ack += (uint)dice.Below(2000);
            text.Ack = ack;
        }

        if (dice.OneIn(wildness))
        {
            SayWild(ref text);
        }
        else
        {
            SaySound(ref text);
        }

        return text;
    }

    private void SaySound(ref SegmentText text)
    {
        int what = dice.Below(24);
        if (isReset)
        {
            Begin(ref text);
            return;
        }

        if (isClosed && what is < 11 or 13)
        {
            // After its FIN a stack sends no new bytes.
            what = 12;
        }

        switch (what)
        {
            case < 11:
                text.PayloadLength = Length();
                next += (uint)text.PayloadLength;
                end = TcpSequence.Later(end, next);
                break;
            case 11 or 12:
                // A retransmission, which ends no later than the bytes sent so far.
                uint back = (uint)dice.Below(Math.Min(2 * largest, 1 + (int)(end - start)));
                text.Sequence = end - back;
                text.PayloadLength = (int)Math.Min((uint)Length(), back);
                break;
            case 13:
                text.Sequence += (uint)dice.Below(2 * largest);
                text.PayloadLength = Length();
                next = dice.OneIn(2) ? text.Sequence + (uint)text.PayloadLength : next;
                end = TcpSequence.Later(end, text.Sequence + (uint)text.PayloadLength);
                break;
            case 14:
                // A keepalive, without or with a byte that may be garbage (RFC 1122 section 4.2.3.6).
                text.Sequence--;
                text.PayloadLength = dice.Below(2);
                text.Salt += (uint)dice.Below(2);
                break;
            case 15:
                text.Flags |= Tcp.Fin;
                text.Sequence = end;
                text.PayloadLength = !isClosed && dice.OneIn(2) ? Length() : 0;
                end += (uint)text.PayloadLength;
                next = end + 1;
                isClosed = true;
                break;
            case 16:
                Begin(ref text);
                break;
            case 17 when dice.OneIn(3):
                isReset = true;
                text.Flags = (byte)(Tcp.Rst | (dice.OneIn(2) ? Tcp.Ack : 0));
                break;
            default:
                text.Flags |= dice.OneIn(4) ? Tcp.Psh : (byte)0;
                break;
        }
    }

    private void SayWild(ref SegmentText text)
    {
        text.PayloadLength = dice.OneIn(2) ? Length() : 0;
        switch (dice.Below(10))
        {
            case 0 or 1 or 2:
                text.Sequence += Jump();
                text.PayloadLength = Length();
                break;
            case 3:
                next += Jump();
                text.Sequence = next;
                start = next;
                next += (uint)text.PayloadLength;
                end = next;
                break;
            case 4:
                text.Ack += Jump();
                break;
            case 5:
                // RST with data (RFC 1122 section 4.2.2.12), or beside a SYN.
                text.Flags = (byte)(Tcp.Rst | (dice.OneIn(2) ? Tcp.Ack : 0) | (dice.OneIn(4) ? Tcp.Syn : 0));
                text.PayloadLength = dice.Below(200);
                break;
            case 6:
                text.Flags = (byte)dice.Below(256);
                break;
            case 7:
                text.Salt += (uint)dice.Below(3);
                text.Sequence -= (uint)dice.Below(1 + largest);
                break;
            case 8:
                text.Flags |= Tcp.Urg;
                text.Urgent = (ushort)dice.Below(65536);
                break;
            default:
                text.Flags = (byte)(Tcp.Syn | Tcp.Fin | (dice.OneIn(2) ? Tcp.Ack : 0));
                break;
        }
    }

    private void Begin(ref SegmentText text)
    {
        next = dice.OneIn(3) ? next : dice.OneIn(2) ? dice.Pick<uint>(Starts) : (uint)dice.Next();
        text.Sequence = next++;
        text.Flags = (byte)(Tcp.Syn | (dice.OneIn(3) ? 0 : Tcp.Ack));
        text.Options = 2;
        start = next;
        text.PayloadLength = dice.OneIn(6) ? Length() : 0;
        next += (uint)text.PayloadLength;
        end = next;
        isClosed = false;
        isReset = false;
        SecondaryLead = dice.OneIn(4) ? (uint)dice.Next() : 0;
    }

    private uint Jump() => dice.OneIn(4) ? (uint)dice.Next() : dice.Pick<uint>(Jumps) + (uint)dice.Between(-3, 3);

    private int Length() => dice.Below(8) switch
    {
        0 => dice.Between(1, 3),
        1 => largest,
        _ => dice.LogBetween(1, largest),
    };
}
