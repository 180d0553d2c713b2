// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;

namespace ColoWire.Engine.Fragments;

/// <summary>A datagram of which fragments are missing, or that was given up and whose other fragments may still come.</summary>
internal struct PartialDatagram
{
    /// <summary>Number of no datagram.</summary>
    public const int None = -1;

    public FlowKey Key;
    public uint Hash;
    public int NextInBucket;
    public int Older;
    public int Newer;

    /// <summary>When its first fragment came, or when it was given up: its time runs from there.</summary>
    public long SinceNs;

    /// <summary>The epoch of its first fragment: the others belong to it, whenever they come.</summary>
    public uint Epoch;

    /// <summary>The slot in which it is put together.</summary>
    public FrameRef Assembly;

    /// <summary>The primary's frames, as they came, where they wait for the datagram.</summary>
    public FrameQueue Originals;

    /// <summary>The primary's frames wait for the datagram: in lockstep, and where a policy may drop it.</summary>
    public bool KeepsOriginals;

    /// <summary>Fragments of it, those that came twice among them.</summary>
    public int Fragments;

    /// <summary>Payload that is there.</summary>
    public int ReceivedBytes;

    /// <summary>End of the payload that is there.</summary>
    public int EndBytes;

    /// <summary>Length of its payload, once the last fragment has come; else 0.</summary>
    public int TotalBytes;

    /// <summary>It cannot be put together any more.</summary>
    public bool IsGivenUp;

    /// <summary>It was given up for what its fragments are, and not for a lack of room or a checkpoint: those that still come are compared
    /// one by one.</summary>
    public bool IsOdd;

    public static PartialDatagram Begun(uint epoch, long nowNs) =>
        new() { SinceNs = nowNs, Epoch = epoch, Assembly = FrameRef.None, Originals = FrameQueue.Empty };

    public readonly bool IsComplete => TotalBytes != 0 && ReceivedBytes == TotalBytes;
}
