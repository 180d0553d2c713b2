// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using SharpPcap;
using SharpPcap.LibPcap;

namespace ColoWire.Fuzz.Generating;

/// <summary>Captures of both replicas, from the tests' fixtures: pairs of <c>NAME.pcap</c> and <c>NAME.secondary.pcap</c>.</summary>
internal sealed class Corpus
{
    private readonly (byte[][] Primary, byte[][] Secondary)[] pairs;

    private Corpus((byte[][] Primary, byte[][] Secondary)[] pairs) => this.pairs = pairs;

    /// <summary>Reads all pairs in a folder, ordered by name, so that a seed gives the same case on every machine.</summary>
    public static Corpus Read(string folder)
    {
        const string Other = ".secondary.pcap";
        string[] secondaries = [.. Directory.GetFiles(folder, "*" + Other).Order(StringComparer.Ordinal)];
        return secondaries.Length == 0
            ? throw new FileNotFoundException($"no NAME{Other} in the folder of captures", folder)
            : new Corpus([.. secondaries.Select(path => (Frames(path[..^Other.Length] + ".pcap"), Frames(path)))]);
    }

    /// <summary>Begins at a random frame of a random pair.</summary>
    public CorpusReader Open(Dice dice)
    {
        (byte[][] primary, byte[][] secondary) = pairs[dice.Below(pairs.Length)];
        return new CorpusReader(primary, secondary, dice.OneIn(2) ? 0 : dice.Below(primary.Length));
    }

    private static byte[][] Frames(string path)
    {
        using CaptureFileReaderDevice file = new(path);
        file.Open();
        List<byte[]> frames = [];
        while (file.GetNextPacket(out PacketCapture packet) == GetPacketStatus.PacketRead)
        {
            frames.Add(packet.Data.ToArray());
        }

        return [.. frames];
    }
}

/// <summary>Reads both captures of a pair frame by frame, and begins again at the first frame after the last.</summary>
internal sealed class CorpusReader(byte[][] primary, byte[][] secondary, int start)
{
    private int at = start;

    public (byte[]? Primary, byte[]? Secondary) Next()
    {
        int here = at++ % Math.Max(primary.Length, secondary.Length);
        return (here < primary.Length ? primary[here] : null, here < secondary.Length ? secondary[here] : null);
    }
}
