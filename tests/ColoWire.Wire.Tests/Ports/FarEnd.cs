// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using SharpPcap;
using SharpPcap.LibPcap;

namespace ColoWire.Wire.Tests.Ports;

/// <summary>The other end of the cable: sends and listens by SharpPcap alone, so that the ports are not tested with themselves.</summary>
internal sealed class FarEnd : IDisposable
{
    private readonly LibPcapLiveDevice device;

    public FarEnd(string interfaceName = WireNamespace.Far)
    {
        device = LibPcapLiveDeviceList.New().First(d => d.Name == interfaceName);
        device.Open(new DeviceConfiguration { Mode = DeviceModes.Promiscuous, Immediate = true, BufferSize = 32 << 20, Snaplen = 2048 });
        device.NonBlockingMode = true;
    }

    public void Send(byte[] frame) => device.SendPacket(frame);

    /// <summary>Waits until so many frames have come, or a second has gone by.</summary>
    public List<byte[]> Receive(int frames)
    {
        List<byte[]> received = [];
        long start = Stopwatch.GetTimestamp();
        while (received.Count < frames && Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(1))
        {
            while (device.GetNextPacket(out PacketCapture packet) == GetPacketStatus.PacketRead)
                received.Add(packet.Data.ToArray());
        }

        return received;
    }

    public void Dispose() => device.Dispose();
}
