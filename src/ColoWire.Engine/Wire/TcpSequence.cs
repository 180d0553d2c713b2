// SPDX-License-Identifier: GPL-2.0-or-later

using System.Runtime.CompilerServices;

namespace ColoWire.Engine.Wire;

/// <summary>
/// Serial arithmetic on sequence numbers (RFC 9293 section 3.4, RFC 1982): of two numbers the one that is less than 2^31 ahead is
/// the later. No number means "unset". Numbers that a guest may have chosen anywhere on the circle are not ordered by it: whether a
/// range holds one, or two ranges meet, is asked with <see cref="Holds"/> and <see cref="TryMeet"/>, which need no order.
/// </summary>
internal static class TcpSequence
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Before(uint left, uint right) => (int)(left - right) < 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool After(uint left, uint right) => (int)(left - right) > 0;

    /// <summary>How far two numbers are apart, the shorter way round.</summary>
    public static uint Distance(uint left, uint right) => System.Math.Min(left - right, right - left);

    public static uint Earlier(uint left, uint right) => Before(left, right) ? left : right;

    public static uint Later(uint left, uint right) => After(left, right) ? left : right;

    /// <summary>Whether a half-open range holds a number, wherever on the circle both are.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Holds(uint start, uint end, uint number) => number - start < end - start;

    /// <summary>Finds what two half-open ranges have in common, wherever on the circle they are. Together they are shorter than the
    /// circle.</summary>
    /// <param name="leftStart">Where the one begins.</param>
    /// <param name="leftEnd">Where it ends.</param>
    /// <param name="rightStart">Where the other one begins.</param>
    /// <param name="rightEnd">Where it ends.</param>
    /// <param name="start">Where what they have in common begins.</param>
    /// <param name="count">How many numbers that is.</param>
    /// <returns>False when they have nothing in common.</returns>
    public static bool TryMeet(uint leftStart, uint leftEnd, uint rightStart, uint rightEnd, out uint start, out int count)
    {
        start = Holds(leftStart, leftEnd, rightStart) ? rightStart : leftStart;
        bool meet = Holds(leftStart, leftEnd, start) && Holds(rightStart, rightEnd, start);
        count = meet ? (int)System.Math.Min(leftEnd - start, rightEnd - start) : 0;
        return meet;
    }
}
