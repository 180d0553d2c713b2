// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.TwinMaker;

/// <summary>Arithmetic of numbers that wrap (RFC 1982): sequence numbers and TCP's timestamps.</summary>
internal static class SerialNumber
{
    public static int Distance(uint from, uint to) => unchecked((int)(to - from));

    public static bool IsBefore(uint left, uint right) => Distance(right, left) < 0;
}
