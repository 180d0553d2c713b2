// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO;

namespace ColoWire.Rig.Pair;

/// <summary>The TCP segments of a capture, in the order of the capture.</summary>
internal static class SegmentCapture
{
    private const int FileHeaderBytes = 24;
    private const int RecordHeaderBytes = 16;
    private const int EthernetLinkType = 1;
    private const uint MicrosecondMagic = 0xA1B2C3D4;
    private const uint NanosecondMagic = 0xA1B23C4D;
    private const long NanosecondsPerMicrosecond = 1000;
    private const long NanosecondsPerSecond = 1_000_000_000;

    /// <summary>Reads a pcap file, little-endian, with microseconds or nanoseconds, as tcpdump writes it.</summary>
    /// <param name="path">The file.</param>
    /// <param name="guest">The guest's IPv4 address, in host byte order.</param>
    /// <exception cref="RigException">The file is no such capture, or a record is cut off.</exception>
    public static List<Segment> Read(string path, uint guest)
    {
        byte[] file = ReadFile(path);
        uint magic = file.Length < FileHeaderBytes ? 0 : BinaryPrimitives.ReadUInt32LittleEndian(file);
        if (magic is not (MicrosecondMagic or NanosecondMagic)
            || BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(20)) != EthernetLinkType)
        {
            throw new RigException($"{path}: not a little-endian pcap file of Ethernet frames");
        }

        long unitNs = magic == NanosecondMagic ? 1 : NanosecondsPerMicrosecond;
        List<Segment> segments = [];
        int offset = FileHeaderBytes;
        while (offset < file.Length)
        {
            ReadOnlySpan<byte> record = file.AsSpan(offset);
            int length = record.Length < RecordHeaderBytes ? -1 : BinaryPrimitives.ReadInt32LittleEndian(record[8..]);
            if (length < 0 || length > record.Length - RecordHeaderBytes)
            {
                throw new RigException($"{path}: cut off at byte {offset}, within a record");
            }

            long timeNs = (BinaryPrimitives.ReadUInt32LittleEndian(record) * NanosecondsPerSecond)
                + (BinaryPrimitives.ReadUInt32LittleEndian(record[4..]) * unitNs);
            if (Segment.TryRead(record.Slice(RecordHeaderBytes, length), timeNs, guest, out Segment segment))
            {
                segments.Add(segment);
            }

            offset += RecordHeaderBytes + length;
        }

        return segments;
    }

    private static byte[] ReadFile(string path)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new RigException($"{path}: {fault.Message}", fault);
        }
    }
}
