// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine.Frames;

namespace ColoWire.Engine.Flows;

/// <summary>
/// The flows in which a frame stands against another one and may yet turn out to be only late. The grace is the same for all, so
/// whoever came first is due first and only the head is ever looked at.
/// </summary>
internal sealed class DoubtQueue(FlowTable flows, long graceNs)
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
        ref FlowDoubt doubt = ref flows[flow].Doubt;
        if (flows[flow].IsInDoubt && doubt.Subject == subject && doubt.Number == number)
        {
            return;
        }

        Forget(flow);
        doubt = new FlowDoubt
        {
            Subject = subject,
            Number = number,
            DueNs = nowNs + graceNs,
            Earlier = last,
            Later = Flow.None,
        };
        flows[flow].IsInDoubt = true;
        Join(last, flow);
        last = flow;
    }

    /// <summary>A flow is in no doubt any more.</summary>
    public void Forget(uint flow)
    {
        if (!flows[flow].IsInDoubt)
        {
            return;
        }

        flows[flow].IsInDoubt = false;
        ref FlowDoubt doubt = ref flows[flow].Doubt;
        Join(doubt.Earlier, doubt.Later);
        if (doubt.Later == Flow.None)
        {
            last = doubt.Earlier;
        }
    }

    /// <summary>Finds a flow whose grace is over; it stays in the queue until its doubt is settled.</summary>
    /// <returns>The flow, or <see cref="Flow.None"/>.</returns>
    public uint FindDue(long nowNs) => nowNs >= NextDueNs ? first : Flow.None;

    /// <summary>When the next grace is over; <see cref="long.MaxValue"/> when no flow is in doubt.</summary>
    public long NextDueNs => first != Flow.None ? flows[first].Doubt.DueNs : long.MaxValue;

    private void Join(uint earlier, uint later)
    {
        if (earlier == Flow.None)
        {
            first = later;
        }
        else
        {
            flows[earlier].Doubt.Later = later;
        }

        if (later != Flow.None)
        {
            flows[later].Doubt.Earlier = earlier;
        }
    }
}

/// <summary>What a flow is in doubt about, and its place in the <see cref="DoubtQueue"/>.</summary>
internal struct FlowDoubt
{
    public long DueNs;
    public uint Earlier;
    public uint Later;
    public FrameRef Subject;
    public uint Number;
}
