// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO;

namespace ColoWire.Rig.Qemu;

/// <summary>
/// A capture as QEMU's sockets want it: the length of each frame in four bytes, big-endian, then its bytes. All of it is made
/// before anything is sent, so that sending is nothing but large writes.
/// </summary>
internal sealed class FramedCapture
{
    private const int FileHeaderBytes = 24;
    private const int RecordHeaderBytes = 16;
    private const int LengthBytes = 4;
    private const int EthernetLinkType = 1;
    private const uint MicrosecondMagic = 0xA1B2C3D4;
    private const long NanosecondsPerMicrosecond = 1000;
    private const long NanosecondsPerSecond = 1_000_000_000;

    private readonly byte[] stream;
    private readonly List<int> ends = [];
    private readonly List<long> arrivalsNs = [];

    private FramedCapture(byte[] stream) => this.stream = stream;

    /// <summary>How many frames there are.</summary>
    public int Frames => ends.Count;

    /// <summary>Reads a capture in the pcap format with microseconds, as make-pairs.cs writes it.</summary>
    /// <exception cref="RigException">It is none, or empty, or cut off.</exception>
    public static FramedCapture Read(string path)
    {
        byte[] file = ReadFile(path);
        if (file.Length < FileHeaderBytes || BinaryPrimitives.ReadUInt32LittleEndian(file) != MicrosecondMagic
            || BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(20)) != EthernetLinkType)
        {
            throw new RigException(
                $"{path}: not a little-endian pcap file of Ethernet frames with microseconds, as perf/make-pairs.cs writes it");
        }

        FramedCapture capture = new(file);
        capture.Frame(path);
        return capture;
    }

    /// <summary>When a frame is due, in nanoseconds of the capture's clock.</summary>
    public long ArrivalNs(int frame) => arrivalsNs[frame];

    /// <summary>Where a frame begins in the stream; for the number of frames, where the stream ends.</summary>
    public int Offset(int frame) => frame == 0 ? 0 : ends[frame - 1];

    /// <summary>A piece of the stream.</summary>
    public ReadOnlySpan<byte> Slice(int from, int to) => stream.AsSpan(from, to - from);

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

    // A record's header is longer than a length, so the stream is made in place of the file: what is written is always behind
    // what is read.
    private void Frame(string path)
    {
        int read = FileHeaderBytes;
        int written = 0;
        while (read < stream.Length)
        {
            ReadOnlySpan<byte> record = stream.AsSpan(read);
            int length = record.Length < RecordHeaderBytes ? 0 : BinaryPrimitives.ReadInt32LittleEndian(record[8..]);
            if (length <= 0 || length > record.Length - RecordHeaderBytes)
            {
                // QEMU aborts on a length of 0.
                throw new RigException(
                    $"{path}: damaged at byte {read}: a frame of at least 1 byte that is there as a whole was expected");
            }

            uint seconds = BinaryPrimitives.ReadUInt32LittleEndian(record);
            uint microseconds = BinaryPrimitives.ReadUInt32LittleEndian(record[4..]);
            arrivalsNs.Add((seconds * NanosecondsPerSecond) + (microseconds * NanosecondsPerMicrosecond));
            BinaryPrimitives.WriteInt32BigEndian(stream.AsSpan(written), length);
            record.Slice(RecordHeaderBytes, length).CopyTo(stream.AsSpan(written + LengthBytes));
            read += RecordHeaderBytes + length;
            written += LengthBytes + length;
            ends.Add(written);
        }

        if (Frames == 0)
        {
            throw new RigException($"{path}: has no frames");
        }
    }
}
