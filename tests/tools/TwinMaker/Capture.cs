// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;

namespace ColoWire.TwinMaker;

/// <summary>The frames of a guest, and the new content of each TCP segment.</summary>
internal sealed class Capture
{
    public Capture(IReadOnlyList<TwinFrame> frames)
    {
        Frames = frames;
        News = SegmentNews.Of(frames);
        Datagrams = Datagram.Of(frames);
    }

    public IReadOnlyList<TwinFrame> Frames { get; }

    /// <summary>For each frame its new content as a TCP segment; null for a frame that is no TCP segment.</summary>
    public IReadOnlyList<SegmentNews?> News { get; }

    /// <summary>All complete datagrams that ColoWire compares.</summary>
    public IReadOnlyList<Datagram> Datagrams { get; }
}
