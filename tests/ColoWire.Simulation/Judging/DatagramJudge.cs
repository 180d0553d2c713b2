// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using ColoWire.Simulation.World;

namespace ColoWire.Simulation.Judging;

/// <summary>A flow of datagrams: what the secondary has said is a multiset, from which each datagram of the primary takes one.</summary>
internal sealed class DatagramJudge : FlowJudge
{
    private readonly LinkedList<(byte[] Payload, long AtNs)> said = new();
    private readonly Dictionary<long, HashSet<long>> secondaryParts = [];
    private readonly Dictionary<long, HashSet<long>> primaryParts = [];
    private readonly HashSet<long> coveredDatagrams = [];

    public override long? SecondaryWaitsSinceNs => said.First?.Value.AtNs;

    protected override void TakePrimary(CapturedFrame frame) => IsWhole(primaryParts, frame.Sent);

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
                said.Remove(at);
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

    /// <summary>Notes a frame.</summary>
    /// <returns>Whether with it its datagram is whole.</returns>
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
