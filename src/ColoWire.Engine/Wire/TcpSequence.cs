// SPDX-License-Identifier: GPL-2.0-or-later

using System.Runtime.CompilerServices;

namespace ColoWire.Engine.Wire;

/// <summary>
/// Compares sequence numbers in serial arithmetic (RFC 9293 section 3.4, RFC 1982): of two numbers, the later one is less than
/// 2^31 ahead of the other. All values are valid numbers; none means "unset". This order does not apply to numbers that may be
/// farther apart; <see cref="Holds"/> and <see cref="TryMeet"/> need no order.
/// </summary>
internal static class TcpSequence
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Before(uint left, uint right) => (int)(left - right) < 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool After(uint left, uint right) => (int)(left - right) > 0;

    /// <summary>The distance of two numbers, in the shorter direction.</summary>
    public static uint Distance(uint left, uint right) => System.Math.Min(left - right, right - left);

    public static uint Earlier(uint left, uint right) => Before(left, right) ? left : right;

    public static uint Later(uint left, uint right) => After(left, right) ? left : right;

    /// <summary>Whether a half-open range contains a number, for any distance of the two.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Holds(uint start, uint end, uint number) => number - start < end - start;

    /// <summary>Finds the intersection of two half-open ranges, whose lengths together are less than 2^32.</summary>
    /// <param name="leftStart">The start of the first range.</param>
    /// <param name="leftEnd">The end of the first range, exclusive.</param>
    /// <param name="rightStart">The start of the second range.</param>
    /// <param name="rightEnd">The end of the second range, exclusive.</param>
    /// <param name="start">The start of the intersection.</param>
    /// <param name="count">The length of the intersection.</param>
    /// <returns>False when the intersection is empty.</returns>
    public static bool TryMeet(uint leftStart, uint leftEnd, uint rightStart, uint rightEnd, out uint start, out int count)
    {
        start = Holds(leftStart, leftEnd, rightStart) ? rightStart : leftStart;
        bool meet = Holds(leftStart, leftEnd, start) && Holds(rightStart, rightEnd, start);
        count = meet ? (int)System.Math.Min(leftEnd - start, rightEnd - start) : 0;
        return meet;
    }
}
