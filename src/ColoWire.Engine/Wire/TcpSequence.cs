// SPDX-License-Identifier: GPL-2.0-or-later

using System.Runtime.CompilerServices;

namespace ColoWire.Engine.Wire;

/// <summary>
/// Serial arithmetic on sequence numbers (RFC 9293 section 3.4, RFC 1982): of two numbers the one that is less than 2^31 ahead is
/// the later. No number means "unset".
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
}
