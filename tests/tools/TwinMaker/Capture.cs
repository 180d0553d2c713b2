// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;

namespace ColoWire.TwinMaker;

/// <summary>The frames of a guest, and what each of them says that none before it said.</summary>
internal sealed class Capture
{
    public Capture(IReadOnlyList<TwinFrame> frames)
    {
        Frames = frames;
        News = SegmentNews.Of(frames);
        Datagrams = Datagram.Of(frames);
    }

    public IReadOnlyList<TwinFrame> Frames { get; }

    /// <summary>For each frame what it says as a TCP segment; null for what is none.</summary>
    public IReadOnlyList<SegmentNews?> News { get; }

    /// <summary>All whole datagrams that ColoWire compares.</summary>
    public IReadOnlyList<Datagram> Datagrams { get; }
}
