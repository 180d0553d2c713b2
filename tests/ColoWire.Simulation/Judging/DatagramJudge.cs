// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using ColoWire.Simulation.World;

namespace ColoWire.Simulation.Judging;

/// <summary>A flow of datagrams: the secondary's datagrams are a multiset, from which each datagram of the primary removes
/// one.</summary>
internal sealed class DatagramJudge(bool isObserving, bool isCramped) : FlowJudge
{
    private readonly LinkedList<(byte[] Payload, long AtNs)> said = new();
    private readonly Dictionary<long, HashSet<long>> secondaryParts = [];
    private readonly Dictionary<long, HashSet<long>> primaryParts = [];
    private readonly HashSet<long> coveredDatagrams = [];
    private readonly List<CapturedFrame> unplaced = [];

    public override long? SecondaryWaitsSinceNs
    {
        get
        {
            (byte[] Payload, long AtNs) oldest = said.FirstOrDefault(s => s.AtNs >= StragglersUntilNs);
            return oldest.Payload is null ? null : oldest.AtNs;
        }
    }

    public override bool HasGrace => true;

    /// <summary>A datagram gets its place in the order when its last fragment arrives; the fragments of an incomplete one have no
    /// place.</summary>
    public override bool Leave(CapturedFrame frame)
    {
        if (unplaced.Remove(frame))
        {
            frame.HasLeft = true;
            return true;
        }

        return base.Leave(frame);
    }

    protected override IEnumerable<CapturedFrame> TakePrimary(CapturedFrame frame)
    {
        if (frame.Sent.Fragment.Parts == 0)
        {
            return [frame];
        }

        unplaced.Add(frame);
        if (!IsWhole(primaryParts, frame.Sent) || isObserving || isCramped)
        {
            return [];
        }

        CapturedFrame[] parts = [.. unplaced.Where(part => part.Sent.Fragment.Datagram == frame.Sent.Fragment.Datagram)];
        unplaced.RemoveAll(part => parts.Contains(part));
        return parts;
    }

    protected override void TakeSecondary(SentFrame frame, long nowNs)
    {
        if (IsWhole(secondaryParts, frame))
        {
            said.AddLast((frame.Payload, nowNs));
        }
    }

    protected override bool IsCovered(CapturedFrame frame)
    {
        SentFrame sent = frame.Sent;
        if (sent.Fragment.Parts != 0 && isCramped)
        {
            // Without a slot for reassembly the engine compares the fragments received so far, perhaps with those of an equal
            // datagram.
            return true;
        }

        if (sent.Fragment.Parts != 0)
        {
            if (coveredDatagrams.Contains(sent.Fragment.Datagram))
            {
                return true;
            }

            if (primaryParts[sent.Fragment.Datagram].Count < sent.Fragment.Parts)
            {
                return false;
            }
        }

        for (LinkedListNode<(byte[] Payload, long AtNs)>? at = said.First; at is not null; at = at.Next)
        {
            if (at.Value.Payload.AsSpan().SequenceEqual(sent.Payload))
            {
                if (!LetsGo)
                {
                    said.Remove(at);
                }

                if (sent.Fragment.Parts != 0)
                {
                    coveredDatagrams.Add(sent.Fragment.Datagram);
                }

                return true;
            }
        }

        return false;
    }

    protected override void Share()
    {
        said.Clear();
        secondaryParts.Clear();
    }

    /// <summary>Records a frame.</summary>
    /// <returns>Whether its datagram is complete with it.</returns>
    private static bool IsWhole(Dictionary<long, HashSet<long>> parts, SentFrame frame)
    {
        if (frame.Fragment.Parts == 0)
        {
            return true;
        }

        if (!parts.TryGetValue(frame.Fragment.Datagram, out HashSet<long>? seen))
        {
            parts[frame.Fragment.Datagram] = seen = [];
        }

        return seen.Add(frame.Number) && seen.Count == frame.Fragment.Parts;
    }
}
