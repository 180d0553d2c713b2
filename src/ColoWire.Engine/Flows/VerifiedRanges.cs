// SPDX-License-Identifier: GPL-2.0-or-later

using System.Runtime.CompilerServices;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Flows;

/// <summary>
/// Which sequence numbers of a flow both sides have produced alike: a few half-open ranges, latest first. One is the rule; a hole
/// that neither side ever fills makes another. When there is no room the range farthest behind is forgotten: to verify again what
/// was verified costs at worst a checkpoint, to believe what was not costs a failover. So that "latest" means something, all of them
/// lie on less than half of the circle (<see cref="EngineLimits.MaxVerifiedSpanBytes"/>): what both say farther away than that is all
/// that is remembered from then on.
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
            if (TcpSequence.Holds(ranges[i].Start, end, position))
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

    /// <summary>Whether all that is verified ends at a position, and what stands behind that can be added without forgetting anything.</summary>
    /// <param name="position">Where it ends.</param>
    /// <param name="end">Where what is to be added ends.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly bool EndAtWithRoom(uint position, uint end) =>
        EndAt(position) && end - ranges[count - 1].Start <= EngineLimits.MaxVerifiedSpanBytes;

    /// <summary>Adds what stands right behind all that is verified (<see cref="EndAtWithRoom"/>).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void AddBehind(uint end) => ranges[0].End = end;

    /// <summary>Forgets all and starts with one range.</summary>
    public void Reset(uint start, uint end)
    {
        ranges[0] = new SequenceRange(start, end);
        count = 1;
    }

    /// <summary>Adds a range; those it touches are joined with it.</summary>
    public void Add(uint start, uint end)
    {
        ForgetFarFrom(start, end);
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
    }

    /// <summary>Forgets what would lie too far from a new range for serial arithmetic to order them: the new one stays, its caller relies
    /// on it.</summary>
    private void ForgetFarFrom(uint start, uint end)
    {
        uint latest = count == 0 ? end : TcpSequence.Later(ranges[0].End, end);
        if (latest - start > EngineLimits.MaxVerifiedSpanBytes)
        {
            count = 0;
            return;
        }

        while (count != 0 && latest - ranges[count - 1].Start > EngineLimits.MaxVerifiedSpanBytes)
        {
            ref SequenceRange farthest = ref ranges[count - 1];
            if (latest - farthest.End < EngineLimits.VerifiedBytes)
            {
                farthest.Start = latest - EngineLimits.VerifiedBytes;
                return;
            }

            count--;
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
