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

    /// <summary>The fraction of a second, in the resolution with which the device was opened.</summary>
    public CLong Fraction;

    /// <summary>Bytes that were captured.</summary>
    public uint CapturedLength;

    /// <summary>Bytes that the frame had on the wire.</summary>
    public uint WireLength;

    /// <summary>The greatest distance from 1970 in seconds, 136 years; beyond it timestamps are clamped. So a timestamp, a shift
    /// and their sum fit in 64 bits of nanoseconds, whatever a file contains.</summary>
    private const long MaxSeconds = uint.MaxValue;

    private const long NanosecondsPerSecond = 1_000_000_000;

    /// <summary>The timestamp of a record that was read in nanosecond resolution, in nanoseconds since 1970.</summary>
    public readonly long TimestampNs =>
        (Math.Clamp(Seconds.Value, -MaxSeconds, MaxSeconds) * NanosecondsPerSecond)
        + Math.Clamp(Fraction.Value, 0, NanosecondsPerSecond - 1);

    /// <summary>The header of a whole frame.</summary>
    /// <param name="timestampNs">The timestamp, in nanoseconds since 1970.</param>
    /// <param name="fractionNs">The unit of the fraction, in nanoseconds: 1 or 1000.</param>
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
