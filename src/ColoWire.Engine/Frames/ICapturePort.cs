// SPDX-License-Identifier: GPL-2.0-or-later

using System;

namespace ColoWire.Engine.Frames;

/// <summary>Where frames come in. Used by one thread, but for <see cref="Statistics"/>, which any thread may read.</summary>
public interface ICapturePort : IDisposable
{
    /// <summary>The name that the operator gave, for example <c>pcap:eth1</c>.</summary>
    string Name { get; }

    /// <summary>
    /// Takes the frames that have arrived, at most as many as <paramref name="batch"/> has room for, and never blocks. Each lies in
    /// a slot of <paramref name="pool"/>, with <see cref="Frame.Offset"/>, <see cref="Frame.Length"/>, <see cref="Frame.Number"/> and
    /// <see cref="Frame.ArrivalNs"/> set; frames that the port counts and does not deliver take a number too. A frame for which no slot is free stays with the port and comes first at the next call.
    /// </summary>
    /// <param name="pool">Free slots of this side.</param>
    /// <param name="batch">Filled from the front.</param>
    /// <param name="nowNs">The engine's clock; a replaying port delivers what its timestamps put at or before it.</param>
    /// <returns>How many frames were taken.</returns>
    int Receive(SlotPool pool, Span<FrameRef> batch, long nowNs);

    /// <summary>Whether anything can come in: false while the wire is unplugged or the interface switched off. Any thread may read it.</summary>
    bool HasLink => true;

    /// <summary>Whether frames that arrive go another way, because what hands them to the port has been taken away or replaced by somebody
    /// else. Any thread may read it.</summary>
    bool IsBypassed => false;

    /// <summary>Slots of the pool that the port keeps for frames yet to come.</summary>
    int PostedSlots => 0;

    /// <summary>Whether a slot is one of <see cref="PostedSlots"/>. Asked only while no duty runs.</summary>
    /// <param name="slot">A small slot of the pool.</param>
    bool Keeps(FrameRef slot) => false;

    /// <summary>Whether the port has frames that nobody else has any more, because those that arrive go another way by now, or because their
    /// sender is rid of them: at a stop they are received to the last. Any thread may read it.</summary>
    bool HasHandedOver => false;

    /// <summary>Bytes of the virtio-net header that stands before each frame of the last <see cref="Receive"/>: 10, 12 or 20 (virtio 1.2
    /// section 5.1.6), or none. The engine steps over it: it is not the guest's word to the wire. A frame with fewer bytes than this is
    /// malformed.</summary>
    int VnetHeaderBytes => 0;

    /// <summary>What the port has counted since it was opened.</summary>
    CaptureStatistics Statistics { get; }
}

/// <summary>What a capture port has counted since it was opened.</summary>
/// <param name="Frames">Frames handed to the engine.</param>
/// <param name="Bytes">Bytes of those.</param>
/// <param name="KernelDropped">Frames that arrived and that the kernel had no room for.</param>
/// <param name="InterfaceDropped">Frames that the interface itself lost.</param>
/// <param name="Oversize">Frames beyond <see cref="EngineLimits.MaxFrameBytes"/>: counted, not delivered.</param>
/// <param name="Truncated">Frames of which only a part was captured: counted, not delivered, because a part cannot be sent.</param>
/// <param name="BadLengths">Of <paramref name="Oversize"/> those that were not seen: on a socket a length was read that no frame can have.</param>
public readonly record struct CaptureStatistics(
    long Frames, long Bytes, long KernelDropped, long InterfaceDropped, long Oversize, long Truncated, long BadLengths = 0)
{
    /// <summary>What two ports have counted together.</summary>
    public static CaptureStatistics operator +(CaptureStatistics left, CaptureStatistics right) => new(
        left.Frames + right.Frames,
        left.Bytes + right.Bytes,
        left.KernelDropped + right.KernelDropped,
        left.InterfaceDropped + right.InterfaceDropped,
        left.Oversize + right.Oversize,
        left.Truncated + right.Truncated,
        left.BadLengths + right.BadLengths);
}
