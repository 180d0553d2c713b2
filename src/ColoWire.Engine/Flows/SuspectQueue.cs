// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine.Frames;

namespace ColoWire.Engine.Flows;

/// <summary>
/// The flows that have a suspect frame: one without a twin, which may still turn out to be late. The grace is equally long for
/// all flows, so the queue is in the order of due times, and only its head is examined.
/// </summary>
internal sealed class SuspectQueue(FlowTable flows, long graceNs)
{
    private uint first = Flow.None;
    private uint last = Flow.None;

    /// <summary>Records the suspect frame of a flow. The grace starts again when it is another frame than before.</summary>
    /// <param name="flow">The index of the flow.</param>
    /// <param name="subject">The frame that has no twin.</param>
    /// <param name="number">The number of the frame, because another frame may use its slot later.</param>
    /// <param name="nowNs">The time in nanoseconds of the engine's clock.</param>
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

    /// <summary>Removes a flow that is no longer suspect; does nothing when the flow is not in the queue.</summary>
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

    /// <summary>Finds a flow whose grace has expired; the flow stays in the queue until its suspect frame is resolved.</summary>
    /// <returns>The flow, or <see cref="Flow.None"/>.</returns>
    public uint FindDue(long nowNs) => nowNs >= NextDueNs ? first : Flow.None;

    /// <summary>When the next grace expires, in nanoseconds of the engine's clock; <see cref="long.MaxValue"/> when no flow is
    /// suspect.</summary>
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

/// <summary>The suspect frame of a flow, and the place of the flow in the <see cref="SuspectQueue"/>.</summary>
internal struct FlowSuspect
{
    public long DueNs;
    public uint Earlier;
    public uint Later;
    public FrameRef Subject;
    public uint Number;
}
