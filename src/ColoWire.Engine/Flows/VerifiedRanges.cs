// SPDX-License-Identifier: GPL-2.0-or-later

using System.Runtime.CompilerServices;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Flows;

/// <summary>
/// The sequence numbers of a flow that both sides have sent with the same bytes: a few half-open ranges, latest first. Usually
/// there is one; each gap that neither side fills adds another. When there is no room, the range farthest back is forgotten: to
/// verify bytes again costs a checkpoint at worst, but bytes wrongly taken for verified break the connection at a fail-over. All
/// ranges are within less than half of the sequence number space (<see cref="EngineLimits.MaxVerifiedSpanBytes"/>), so that
/// serial arithmetic orders them (RFC 1982). A new range that does not fit into that span replaces all others.
/// </summary>
internal struct VerifiedRanges
{
    private int count;
    private RangeArray ranges;

    public readonly bool IsEmpty => count == 0;

    /// <summary>Whether a position is verified.</summary>
    /// <param name="position">A sequence number.</param>
    /// <param name="end">The end of the verified range that contains the position.</param>
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

    /// <summary>Whether every sequence number of a range is verified.</summary>
    public readonly bool Covers(uint start, uint end) =>
        Contains(start, out uint verifiedEnd) && !TcpSequence.Before(verifiedEnd, end);

    /// <summary>Whether the latest verified range ends at a position.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly bool EndAt(uint position) => count != 0 && ranges[0].End == position;

    /// <summary>Whether the latest verified range ends at a position, and can be extended without forgetting another
    /// one.</summary>
    /// <param name="position">The position.</param>
    /// <param name="end">The end of the extended range.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly bool EndAtWithRoom(uint position, uint end) =>
        EndAt(position) && end - ranges[count - 1].Start <= EngineLimits.MaxVerifiedSpanBytes;

    /// <summary>Extends the latest verified range. <see cref="EndAtWithRoom"/> must be true.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void AddBehind(uint end) => ranges[0].End = end;

    /// <summary>Replaces all ranges by one.</summary>
    public void Reset(uint start, uint end)
    {
        ranges[0] = new SequenceRange(start, end);
        count = 1;
    }

    /// <summary>Adds a range, and joins it with the ranges that it touches.</summary>
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

    /// <summary>Forgets the ranges that are too far from a new one for serial arithmetic to order them (RFC 1982). The new range
    /// is always kept, because its caller relies on it.</summary>
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
    /// <param name="at">The index of the range in the order.</param>
    /// <returns>The index at which to store the range. Where even the new range is the farthest back, it replaces the one that
    /// was, because its caller relies on it.</returns>
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
