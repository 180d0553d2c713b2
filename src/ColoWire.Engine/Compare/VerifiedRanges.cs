// SPDX-License-Identifier: GPL-2.0-or-later

using System.Runtime.CompilerServices;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Compare;

/// <summary>
/// Which sequence numbers of a flow both sides have produced alike: a few half-open ranges, latest first. One is the rule; a hole
/// that neither side ever fills makes another. When there is no room the range farthest behind is forgotten: to verify again what
/// was verified costs at worst a checkpoint, to believe what was not costs a failover.
/// </summary>
internal struct VerifiedRanges
{
    private int count;
    private RangeArray ranges;

    public readonly bool IsEmpty => count == 0;

    /// <summary>Whether a position is verified.</summary>
    /// <param name="position">A sequence number.</param>
    /// <param name="end">Where the verified range that holds it ends.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly bool Contains(uint position, out uint end)
    {
        for (int i = 0; i < count; i++)
        {
            end = ranges[i].End;
            if (!TcpSequence.Before(position, ranges[i].Start) && TcpSequence.Before(position, end))
            {
                return true;
            }
        }

        end = position;
        return false;
    }

    /// <summary>Whether every position of a range is verified.</summary>
    public readonly bool Covers(uint start, uint end) => Contains(start, out uint verifiedEnd) && !TcpSequence.Before(verifiedEnd, end);

    /// <summary>Whether all that is verified ends at a position, and nothing behind it is.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly bool EndAt(uint position) => count != 0 && ranges[0].End == position;

    /// <summary>Adds what stands right behind all that is verified (<see cref="EndAt"/>).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void AddBehind(uint end) => Extend(0, end);

    /// <summary>Forgets all and starts with one range.</summary>
    public void Reset(uint start, uint end)
    {
        ranges[0] = new SequenceRange(start, end);
        count = 1;
    }

    /// <summary>Adds a range; those it touches are joined with it.</summary>
    public void Add(uint start, uint end)
    {
        if (EndAt(start))
        {
            AddBehind(end);
            return;
        }

        int at = 0;
        while (at < count && TcpSequence.After(ranges[at].Start, end))
        {
            at++;
        }

        int behind = at;
        while (behind < count && !TcpSequence.Before(ranges[behind].End, start))
        {
            start = TcpSequence.Earlier(start, ranges[behind].Start);
            end = TcpSequence.Later(end, ranges[behind].End);
            behind++;
        }

        int joined = behind - at;
        if (joined == 0)
        {
            at = MakeRoom(at);
        }
        else
        {
            RemoveAt(at + 1, joined - 1);
        }

        ranges[at] = new SequenceRange(start, end);
        Extend(at, end);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Extend(int index, uint end)
    {
        ref SequenceRange range = ref ranges[index];
        range.End = end;
        if (end - range.Start > EngineLimits.MaxVerifiedRangeBytes)
        {
            range.Start = end - EngineLimits.MaxVerifiedRangeBytes;
        }
    }

    /// <summary>Makes room for a range.</summary>
    /// <param name="at">Its place in the order.</param>
    /// <returns>Where it goes: in the place of the one farthest behind where it is even farther, for its caller relies on it.</returns>
    private int MakeRoom(int at)
    {
        if (count == EngineLimits.MaxVerifiedRanges)
        {
            count--;
            at = int.Min(at, count);
        }

        for (int i = count; i > at; i--)
        {
            ranges[i] = ranges[i - 1];
        }

        count++;
        return at;
    }

    private void RemoveAt(int at, int removed)
    {
        for (int i = at; i + removed < count; i++)
        {
            ranges[i] = ranges[i + removed];
        }

        count -= removed;
    }

    private struct SequenceRange(uint start, uint end)
    {
        public uint Start = start;
        public uint End = end;
    }

    [InlineArray(EngineLimits.MaxVerifiedRanges)]
    private struct RangeArray
    {
        private SequenceRange first;
    }
}
