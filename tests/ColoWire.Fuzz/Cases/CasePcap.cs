// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine;
using ColoWire.Engine.Frames;
using PacketDotNet;
using SharpPcap;
using SharpPcap.LibPcap;

namespace ColoWire.Fuzz.Cases;

/// <summary>Writes the frames of a case as one capture per side, for <c>colowire compare</c> and Wireshark.</summary>
internal static class CasePcap
{
    /// <summary>Writes NAME.primary.pcap and NAME.secondary.pcap, and NAME.world.pcap where clients send.</summary>
    public static void Write(FuzzCase made, string name)
    {
        Write(made, Side.Primary, name + ".primary.pcap");
        Write(made, Side.Secondary, name + ".secondary.pcap");
        if (made.Options.Inbound == InboundMode.Mirror)
        {
            Write(made, Side.World, name + ".world.pcap");
        }
    }

    private static void Write(FuzzCase made, Side side, string path)
    {
        using CaptureFileWriterDevice file = new(path);
        file.Open(LinkLayers.Ethernet);
        DateTime now = DateTime.UnixEpoch.AddSeconds(1);
        foreach (Step step in made.Steps)
        {
            now = step.Kind == StepKind.Advance ? now.AddTicks(step.Value / 100) : now.AddTicks(10);
            if (step.Kind == StepKind.Frame && step.Side == side)
            {
                ReadOnlySpan<byte> frame = made.Frame(in step);
                int header = made.Shape.VnetBytes(side);
                RawCapture record = new(
                    LinkLayers.Ethernet, new PosixTimeval(now), frame[Math.Min(header, frame.Length)..].ToArray());
                file.Write(record);
            }
        }
    }
}
