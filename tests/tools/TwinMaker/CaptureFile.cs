// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.IO;
using PacketDotNet;
using SharpPcap;
using SharpPcap.LibPcap;

namespace ColoWire.TwinMaker;

/// <summary>Reads and writes pcap files.</summary>
internal static class CaptureFile
{
    private const long MicrosecondsPerSecond = 1_000_000;

    public static List<TwinFrame> Read(string path)
    {
        if (!File.Exists(path))
            throw new BadInputException($"{path}: no such file; give a pcap file of Ethernet frames");
        try
        {
            using CaptureFileReaderDevice reader = new(path);
            reader.Open();
            if (reader.LinkType != LinkLayers.Ethernet)
                throw new BadInputException($"{path}: link type {reader.LinkType}; only Ethernet can be read");
            return ReadFrames(reader, path);
        }
        catch (PcapException fault)
        {
            throw new BadInputException($"{path}: {fault.Message}", fault);
        }
    }

    public static void Write(string path, IEnumerable<TwinFrame> frames)
    {
        try
        {
            using CaptureFileWriterDevice writer = new(path);
            writer.Open(LinkLayers.Ethernet);
            foreach (TwinFrame frame in frames)
            {
                (long seconds, long microseconds) = Math.DivRem(frame.TimeMicroseconds, MicrosecondsPerSecond);
                PcapHeader header = new((uint)seconds, (uint)microseconds, (uint)frame.WireLength, (uint)frame.Bytes.Length);
                writer.Write(frame.Bytes, ref header);
            }
        }
        catch (Exception fault) when (fault is PcapException or IOException or UnauthorizedAccessException)
        {
            throw new BadInputException($"{path}: cannot be written: {fault.Message}", fault);
        }
    }

    private static List<TwinFrame> ReadFrames(CaptureFileReaderDevice reader, string path)
    {
        List<TwinFrame> frames = [];
        FlowFinder finder = new();
        GetPacketStatus status;
        while ((status = reader.GetNextPacket(out PacketCapture capture)) == GetPacketStatus.PacketRead)
        {
            RawCapture raw = capture.GetPacket();
            long time = ((long)raw.Timeval.Seconds * MicrosecondsPerSecond) + (long)raw.Timeval.MicroSeconds;
            frames.Add(new TwinFrame(raw.Data, time, frames.Count + 1, finder.FlowOf(raw.Data), WireLength(capture)));
        }

        if (status == GetPacketStatus.Error)
            throw new BadInputException($"{path}: cannot be read after frame {frames.Count}: {reader.LastError}");
        return frames;
    }

    // RawCapture has no field for the length on the wire.
    private static int WireLength(PacketCapture capture) => (int)((PcapHeader)capture.Header).PacketLength;
}
