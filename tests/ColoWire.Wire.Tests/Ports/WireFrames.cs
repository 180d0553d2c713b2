// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Diagnostics;
using ColoWire.Engine;
using ColoWire.Engine.Frames;

namespace ColoWire.Wire.Tests.Ports;

/// <summary>Frames of an EtherType to which no host reacts (IEEE 802, local experimental), and their copy into an
/// arena.</summary>
internal static class WireFrames
{
    private const ushort ExperimentalType = 0x88B5;
    private const int TypeOffset = 12;
    private const int HeaderBytes = 14;
    private const int TagBytes = 4;

    public static long Now => (long)(Stopwatch.GetTimestamp() * (1e9 / Stopwatch.Frequency));

    /// <summary>A frame with the given tags, the outer one first, and random bytes.</summary>
    public static byte[] Frame(int length, int seed, params (ushort Type, ushort Id)[] tags)
    {
        byte[] frame = new byte[length];
        new Random(seed).NextBytes(frame.AsSpan(HeaderBytes));
        frame[0] = 2;
        frame[6] = 2;
        frame[11] = 1;
        int offset = TypeOffset;
        foreach ((ushort type, ushort id) in tags)
        {
            BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(offset), type);
            BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(offset + 2), id);
            offset += TagBytes;
        }

        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(offset), ExperimentalType);
        return frame;
    }

    public static FrameRef Put(FrameArena arena, byte[] frame)
    {
        if (!arena.Primary.TryTake(frame.Length, out FrameRef frameRef))
            throw new InvalidOperationException("the test's arena is too small");
        frame.CopyTo(arena.SlotBytes(frameRef));
        return frameRef;
    }

    /// <summary>Polls until so many frames were received, or for a time; returns the slots.</summary>
    public static List<byte[]> Receive(ICapturePort port, FrameArena arena, int frames, int timeoutMs = 1000)
    {
        List<byte[]> received = [];
        FrameRef[] batch = new FrameRef[EngineLimits.BatchFrames];
        long start = Stopwatch.GetTimestamp();
        while (received.Count < frames && Stopwatch.GetElapsedTime(start).TotalMilliseconds < timeoutMs)
        {
            int count = port.Receive(arena.Primary, batch, Now);
            foreach (FrameRef frame in batch.AsSpan(0, count))
            {
                received.Add(arena.Bytes(frame).ToArray());
                arena.Primary.Return(frame);
            }
        }

        return received;
    }
}
