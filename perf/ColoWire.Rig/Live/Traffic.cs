// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Rig.Live;

/// <summary>The frames that are fed in one measurement.</summary>
/// <param name="Name">Their name in the rows.</param>
/// <param name="Word">The generators' word for them (perf/rig/traffic.h).</param>
/// <param name="Bytes">The length of each frame in bytes, without the checksum.</param>
internal sealed record Traffic(string Name, string Word, int Bytes)
{
    private const string UdpWord = "udp";

    /// <summary>The length of the least Ethernet frame in bytes, without the checksum.</summary>
    public const int LeastBytes = 60;

    /// <summary>The length of the frames of a full MTU that are measured, in bytes.</summary>
    public const int MostBytes = 1500;

    private const string TimestampsWord = "tcp-timestamps";

    /// <summary>Bytes of a TCP segment's headers with timestamps and no data.</summary>
    private const int LeastTimestampBytes = 66;

    /// <summary>The words of the TCP traffic, whose connections must be opened first.</summary>
    public static readonly string[] TcpWords = ["tcp", TimestampsWord];

    /// <summary>Whether these are segments of a client, whose numbers ColoWire translates for the secondary.</summary>
    public bool IsTranslated => Word != UdpWord;

    /// <summary>UDP of 256 flows.</summary>
    public static Traffic Udp(int bytes) => new("UDP", UdpWord, bytes);

    /// <summary>Segments of 256 TCP connections on which the replicas use different sequence numbers: pure ACKs where
    /// <paramref name="bytes"/> is <see cref="LeastBytes"/>, data otherwise.</summary>
    public static Traffic Tcp(int bytes) => new("TCP translated", TcpWords[0], bytes);

    /// <summary>The same with timestamps; the shortest frame, a pure ACK, has 66 bytes.</summary>
    public static Traffic TcpWithTimestamps(int bytes) =>
        new("TCP with timestamps translated", TimestampsWord, bytes == LeastBytes ? LeastTimestampBytes : bytes);

    /// <summary>The name with the length, for the rows.</summary>
    public override string ToString() => $"{Bytes}-byte {Name}";
}
