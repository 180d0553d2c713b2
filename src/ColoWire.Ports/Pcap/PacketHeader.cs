// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Runtime.InteropServices;

namespace ColoWire.Ports.Pcap;

/// <summary>libpcap's <c>struct pcap_pkthdr</c> (pcap/pcap.h): a timeval of two C longs, then two lengths.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct PacketHeader
{
    /// <summary>Seconds since 1970.</summary>
    public CLong Seconds;

    /// <summary>The rest, in the resolution that the device was opened with.</summary>
    public CLong Fraction;

    /// <summary>Bytes that were captured.</summary>
    public uint CapturedLength;

    /// <summary>Bytes that the frame had on the wire.</summary>
    public uint WireLength;

    /// <summary>Greatest distance from 1970 that is told apart: 136 years, so that a time, a shift and their sum fit in 64 bits of
    /// nanoseconds whatever a file says.</summary>
    private const long MaxSeconds = uint.MaxValue;

    private const long NanosecondsPerSecond = 1_000_000_000;

    /// <summary>The timestamp of a record that was read in nanosecond resolution.</summary>
    public readonly long TimestampNs =>
        (Math.Clamp(Seconds.Value, -MaxSeconds, MaxSeconds) * NanosecondsPerSecond)
        + Math.Clamp(Fraction.Value, 0, NanosecondsPerSecond - 1);

    /// <summary>The header of a whole frame.</summary>
    /// <param name="timestampNs">Nanoseconds since 1970.</param>
    /// <param name="fractionNs">Nanoseconds that one unit of the fraction stands for: 1 or 1000.</param>
    /// <param name="length">Bytes of the frame.</param>
    public static PacketHeader Of(long timestampNs, long fractionNs, int length)
    {
        // Rounded down, also before 1970: a fraction is never negative.
        long seconds = timestampNs >= 0 ? timestampNs / NanosecondsPerSecond : ((timestampNs + 1) / NanosecondsPerSecond) - 1;
        long fraction = (timestampNs - (seconds * NanosecondsPerSecond)) / fractionNs;
        return new PacketHeader
        {
            Seconds = new CLong((nint)seconds),
            Fraction = new CLong((nint)fraction),
            CapturedLength = (uint)length,
            WireLength = (uint)length,
        };
    }
}
