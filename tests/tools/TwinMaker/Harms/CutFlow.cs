// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using System.Linq;

namespace ColoWire.TwinMaker.Harms;

/// <summary>The second guest sends nothing more in a flow, from a frame with new content on.</summary>
internal sealed class CutFlow : IHarm
{
    public IReadOnlyList<int> Places(Capture capture)
    {
        IEnumerable<int> segments = Enumerable.Range(0, capture.Frames.Count).Where(index => capture.News[index] is { IsNews: true });
        return [.. segments.Concat(capture.Datagrams.Select(datagram => datagram.First)).Order()];
    }

    public HarmReport Do(HarmScene scene, int place, DeterministicRandom random)
    {
        FlowKey flow = scene.Capture.Frames[place].Flow;
        int[] missing = [.. Enumerable.Range(place, scene.Secondary.Count - place).Where(index => scene.Secondary[index].Flow == flow)];
        scene.RemoveFromSecondary(missing);

        // The first missing frame may be a pure acknowledgment about as old as the first missing bytes, so either reason is
        // right.
        string[] reasons = flow.Protocol == "tcp" ? ["timeout", "ack"] : ["timeout"];
        return new HarmReport("cut", flow, [.. missing.Select(index => index + 1)], reasons);
    }
}
