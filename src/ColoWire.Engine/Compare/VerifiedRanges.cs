// SPDX-License-Identifier: GPL-2.0-or-later

using System.Diagnostics;
using System.Runtime.CompilerServices;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Compare;

/// <summary>
/// Which sequence numbers of a flow both sides have produced alike: a few half-open ranges, earliest first. One is the rule; a hole
/// that neither side ever fills makes another. When there is no room the range farthest behind is forgotten: to verify again what
/// was verified costs at worst a checkpoint, to believe what was not costs a failover.
/// </summary>
internal struct VerifiedRanges
{
    private RangeArray ranges;
    private int count;

    public readonly bool IsEmpty => count == 0;

    /// <summary>Whether a position is verified.</summary>
    /// <param name="position">A sequence number.</param>
    /// <param name="end">Where the verified range that holds it ends.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly bool Contains(uint position, out uint end)
    {
        for (int i = count - 1; i >= 0; i--)
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

    /// <summary>Forgets all and starts with one range.</summary>
    public void Reset(uint start, uint end)
    {
        ranges[0] = new SequenceRange(start, end);
        count = 1;
    }

    /// <summary>Adds a range; those it touches are joined with it.</summary>
    public void Add(uint start, uint end)
    {
        if (count != 0 && ranges[count - 1].End == start)
        {
            Extend(count - 1, end);
            return;
        }

        int at = 0;
        while (at < count && TcpSequence.Before(ranges[at].End, start))
        {
            at++;
        }

        int behind = at;
        while (behind < count && !TcpSequence.After(ranges[behind].Start, end))
        {
            start = TcpSequence.Earlier(start, ranges[behind].Start);
            end = TcpSequence.Later(end, ranges[behind].End);
            behind++;
        }

        Replace(at, behind - at, new SequenceRange(start, end));
        Extend(FindEnd(end), end);
    }

    private readonly int FindEnd(uint end)
    {
        int i = count - 1;
        while (ranges[i].End != end)
        {
            i--;
        }

        Debug.Assert(i >= 0, "the range was just put there");
        return i;
    }

    private void Extend(int index, uint end)
    {
        ranges[index].End = end;
        if (end - ranges[index].Start > EngineLimits.MaxVerifiedRangeBytes)
        {
            ranges[index].Start = end - EngineLimits.MaxVerifiedRangeBytes;
        }
    }

    private void Replace(int at, int removed, SequenceRange range)
    {
        if (removed == 0)
        {
            if (count == EngineLimits.MaxVerifiedRanges)
            {
                if (at == 0)
                {
                    // The new one is the farthest behind: it is the one to forget, but its caller relies on it for this segment.
                    ranges[0] = range;
                    return;
                }

                RemoveAt(0, 1);
                at--;
            }

            for (int i = count; i > at; i--)
            {
                ranges[i] = ranges[i - 1];
            }

            count++;
        }
        else
        {
            RemoveAt(at + 1, removed - 1);
        }

        ranges[at] = range;
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
