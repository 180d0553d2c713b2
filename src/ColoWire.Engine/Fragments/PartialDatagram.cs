// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;

namespace ColoWire.Engine.Fragments;

/// <summary>
/// A datagram with missing fragments, or a datagram that was given up and of which further fragments may still arrive.
/// </summary>
internal struct PartialDatagram
{
    /// <summary>The index that means "no datagram".</summary>
    public const int None = -1;

    public FlowKey Key;
    public uint Hash;
    public int NextInBucket;
    public int Older;
    public int Newer;

    /// <summary>
    /// The start of its timeout in nanoseconds of the engine's clock: the arrival of its first fragment, or the time when it was
    /// given up.
    /// </summary>
    public long SinceNs;

    /// <summary>The epoch of its first fragment, which applies to all of its fragments.</summary>
    public uint Epoch;

    /// <summary>The slot in which the datagram is reassembled.</summary>
    public FrameRef Assembly;

    /// <summary>The primary's fragments in order of arrival, where they are held until the datagram is complete.</summary>
    public FrameQueue Originals;

    /// <summary>
    /// Whether the primary's fragments are held until the datagram is complete: in lockstep mode, and where a policy may drop the
    /// datagram.
    /// </summary>
    public bool KeepsOriginals;

    /// <summary>The number of received fragments, duplicates included.</summary>
    public int Fragments;

    /// <summary>The received payload, in bytes.</summary>
    public int ReceivedBytes;

    /// <summary>The end of the received payload, in bytes.</summary>
    public int EndBytes;

    /// <summary>The length of the datagram's payload in bytes; 0 until the last fragment has arrived.</summary>
    public int TotalBytes;

    /// <summary>Whether reassembly was given up.</summary>
    public bool IsGivenUp;

    /// <summary>
    /// Whether the reason for giving up lies in the fragments themselves (not in memory, a checkpoint or a stop). Further
    /// fragments are then compared one by one.
    /// </summary>
    public bool IsOdd;

    public static PartialDatagram Begun(uint epoch, long nowNs) =>
        new() { SinceNs = nowNs, Epoch = epoch, Assembly = FrameRef.None, Originals = FrameQueue.Empty };

    public readonly bool IsComplete => TotalBytes != 0 && ReceivedBytes == TotalBytes;
}
