// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;

namespace ColoWire.TwinMaker.Transformations;

/// <summary>Inserts no-operations before the TCP options of some segments, as a kernel with another alignment does.</summary>
internal sealed class PadTcpOptions : ITransformation
{
    private const int Percent = 20;
    private const int Added = 4;
    private const int FixedLength = 20;
    private const int LongestHeader = 60;
    private const int LongestFrame = 1514;
    private const byte NoOperation = 1;

    public string Name => "tcp-options";

    public void Apply(List<TwinFrame> frames, DeterministicRandom random)
    {
        for (int index = 0; index < frames.Count; index++)
        {
            if (CanBePadded(frames[index]) && random.Chance(Percent))
                frames[index] = Padded(frames[index]);
        }
    }

    private static bool CanBePadded(TwinFrame frame) =>
        frame.IsTcp
        && frame.Layout.PayloadOffset - frame.Layout.TransportOffset + Added <= LongestHeader
        && frame.Layout.IpEnd + Added <= LongestFrame;

    private static TwinFrame Padded(TwinFrame frame)
    {
        int at = frame.Layout.TransportOffset + FixedLength;
        byte[] bytes = new byte[frame.Layout.IpEnd + Added];
        frame.Bytes.AsSpan(0, at).CopyTo(bytes);
        bytes.AsSpan(at, Added).Fill(NoOperation);
        frame.Bytes.AsSpan(at, frame.Layout.IpEnd - at).CopyTo(bytes.AsSpan(at + Added));
        bytes[frame.Layout.TransportOffset + 12] += Added / 4 << 4;
        IpHeader.SetPacketLength(bytes.AsSpan(frame.Layout.IpOffset), bytes.Length - frame.Layout.IpOffset);
        TwinFrame padded = frame.WithBytes(bytes);
        padded.NetworkChanged = padded.TransportChanged = true;
        return padded;
    }
}
