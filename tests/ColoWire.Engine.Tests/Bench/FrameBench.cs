// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Tests.Bench;

/// <summary>One slot with one parsed frame, for tests of code that looks at a single frame.</summary>
internal sealed class FrameBench : IDisposable
{
    private readonly FrameArena arena = new(1, 0);
    private readonly FlowHashKey secret = FlowHashKey.FromSeed(42);

    /// <summary>Writes a packet into the slot, over the packet before.</summary>
    public FrameView View(Packet packet)
    {
        byte[] bytes = packet.Bytes();
        FrameRef slot = new(0);
        bytes.CopyTo(arena.SlotBytes(slot));
        arena[slot] = new Frame { Length = bytes.Length };
        FrameParser.Parse(bytes, out arena[slot].Layout);
        FrameView view = arena.View(slot);
        new FlowHash(in secret).IdentifyAny(view);
        return view;
    }

    public void Dispose() => arena.Dispose();
}
