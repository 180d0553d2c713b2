// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine.Frames;

namespace ColoWire.Engine.Flows;

/// <summary>
/// The flows in which a frame stands against another one and may yet turn out to be only late. The grace is the same for all, so
/// whoever came first is due first and only the head is ever looked at.
/// </summary>
internal sealed class SuspectQueue(FlowTable flows, long graceNs)
{
    private uint first = Flow.None;
    private uint last = Flow.None;

    /// <summary>Notes what a flow is in doubt about; the grace begins anew when that is something else than before.</summary>
    /// <param name="flow">The flow.</param>
    /// <param name="subject">The frame that has no twin.</param>
    /// <param name="number">Its number, for a slot may come back with another frame.</param>
    /// <param name="nowNs">The engine's clock.</param>
    public void Watch(uint flow, FrameRef subject, uint number, long nowNs)
    {
        ref FlowSuspect suspect = ref flows[flow].Suspect;
        if (flows[flow].IsSuspect && suspect.Subject == subject && suspect.Number == number)
        {
            return;
        }

        Forget(flow);
        suspect = new FlowSuspect
        {
            Subject = subject,
            Number = number,
            DueNs = nowNs + graceNs,
            Earlier = last,
            Later = Flow.None,
        };
        flows[flow].IsSuspect = true;
        Join(last, flow);
        last = flow;
    }

    /// <summary>A flow is in no doubt any more.</summary>
    public void Forget(uint flow)
    {
        if (!flows[flow].IsSuspect)
        {
            return;
        }

        flows[flow].IsSuspect = false;
        ref FlowSuspect suspect = ref flows[flow].Suspect;
        Join(suspect.Earlier, suspect.Later);
        if (suspect.Later == Flow.None)
        {
            last = suspect.Earlier;
        }
    }

    /// <summary>Finds a flow whose grace is over; it stays in the queue until its doubt is settled.</summary>
    /// <returns>The flow, or <see cref="Flow.None"/>.</returns>
    public uint FindDue(long nowNs) => nowNs >= NextDueNs ? first : Flow.None;

    /// <summary>When the next grace is over; <see cref="long.MaxValue"/> when no flow is in suspect.</summary>
    public long NextDueNs => first != Flow.None ? flows[first].Suspect.DueNs : long.MaxValue;

    private void Join(uint earlier, uint later)
    {
        if (earlier == Flow.None)
        {
            first = later;
        }
        else
        {
            flows[earlier].Suspect.Later = later;
        }

        if (later != Flow.None)
        {
            flows[later].Suspect.Earlier = earlier;
        }
    }
}

/// <summary>What a flow is in doubt about, and its place in the <see cref="SuspectQueue"/>.</summary>
internal struct FlowSuspect
{
    public long DueNs;
    public uint Earlier;
    public uint Later;
    public FrameRef Subject;
    public uint Number;
}
