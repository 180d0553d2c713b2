// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using SharpPcap;
using SharpPcap.LibPcap;

namespace ColoWire.Wire.Tests.Live;

/// <summary>Reads and writes capture files whole.</summary>
internal static class Captures
{
    public static List<byte[]> Read(string path)
    {
        using CaptureFileReaderDevice device = new(path);
        device.Open();
        List<byte[]> frames = [];
        while (device.GetNextPacket(out PacketCapture packet) == GetPacketStatus.PacketRead)
            frames.Add(packet.Data.ToArray());
        return frames;
    }

    public static void Write(string path, IEnumerable<byte[]> frames)
    {
        using CaptureFileWriterDevice device = new(path);
        device.Open();
        foreach (byte[] frame in frames)
            device.Write(frame);
    }
}
