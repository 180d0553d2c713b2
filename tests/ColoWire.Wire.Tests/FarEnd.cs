// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Threading;
using SharpPcap;
using SharpPcap.LibPcap;

namespace ColoWire.Wire.Tests;

/// <summary>
/// The other end of a cable: sends and listens by SharpPcap alone, so that the ports are not tested with themselves. To be opened
/// inside the cable's namespace; used from anywhere.
/// </summary>
internal sealed class FarEnd : IDisposable
{
    private readonly LibPcapLiveDevice device;

    public FarEnd(string interfaceName)
    {
        device = LibPcapLiveDeviceList.New().First(d => d.Name == interfaceName);
        device.Open(
            new DeviceConfiguration { Mode = DeviceModes.Promiscuous, Immediate = true, BufferSize = 32 << 20, Snaplen = 2048 });
        device.NonBlockingMode = true;
    }

    public void Send(byte[] frame) => device.SendPacket(frame);

    /// <summary>Takes the next frame that has come, if there is one; for a listener while frames keep coming.</summary>
    public bool TryReceive(out byte[] frame)
    {
        bool received = device.GetNextPacket(out PacketCapture packet) == GetPacketStatus.PacketRead;
        frame = received ? packet.Data.ToArray() : [];
        return received;
    }

    /// <summary>Waits until so many frames have come, or a second has gone by.</summary>
    public List<byte[]> Receive(int frames) => [.. Receive(frames, TimeSpan.FromSeconds(1)).Select(arrival => arrival.Frame)];

    /// <summary>Waits until so many frames have come, or for a time. The kernel says when each came, by the clock of the
    /// day.</summary>
    public List<(DateTime At, byte[] Frame)> Receive(int frames, TimeSpan patience)
    {
        List<(DateTime At, byte[] Frame)> received = [];
        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            while (device.GetNextPacket(out PacketCapture packet) == GetPacketStatus.PacketRead)
                received.Add((packet.Header.Timeval.Date, packet.Data.ToArray()));
            if (received.Count >= frames || Stopwatch.GetElapsedTime(start) >= patience)
                return received;
            Thread.Sleep(1);
        }
    }

    public void Dispose() => device.Dispose();
}
