// SPDX-License-Identifier: GPL-2.0-or-later

using System.IO;
using ColoWire.Engine;
using ColoWire.Tests.Ports;

namespace ColoWire.Tests.Compare;

/// <summary>A capture in microseconds, frame by frame.</summary>
internal sealed class CaptureScript
{
    public const uint StartSeconds = 1_700_000_000;
    public const long StartNs = StartSeconds * 1_000_000_000L;

    private readonly PcapBuilder builder = new(PcapBuilder.MicrosecondMagic, snapLength: EngineLimits.MaxFrameBytes);

    /// <summary>Appends a frame.</summary>
    /// <param name="atMs">Milliseconds after the start.</param>
    /// <param name="frame">Its bytes.</param>
    /// <param name="wireLength">Its length on the wire, where the capture has only its front.</param>
    public CaptureScript At(double atMs, byte[] frame, uint? wireLength = null)
    {
        long microseconds = (long)(atMs * 1000);
        builder.Record(StartSeconds + (uint)(microseconds / 1_000_000), (uint)(microseconds % 1_000_000), frame, wireLength);
        return this;
    }

    public byte[] ToArray() => builder.ToArray();

    public string Save(string path)
    {
        File.WriteAllBytes(path, builder.ToArray());
        return path;
    }
}
