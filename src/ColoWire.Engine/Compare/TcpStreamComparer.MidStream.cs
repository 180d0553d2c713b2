// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Compare;

/// <content>
/// Connections that were open before anybody looked. What a replica had sent by then is said, but nobody here saw it: a
/// retransmission of it by one side only has no twin to wait for. The streams are aligned where both are first seen to overlap.
/// </content>
internal sealed partial class TcpStreamComparer
{
    /// <summary>Says what becomes of the oldest held primary frame when the grace of its doubt is over.</summary>
    public Verdict Settle(ref Flow flow, FrameRef primary, in Verdict doubt)
    {
        ref TcpState tcp = ref flow.Tcp;
        uint unseen = tcp.SecondaryFirst - arena[primary].StreamStart;
        bool meets = unseen < EngineLimits.MaxWindowBytes && !TcpSequence.After(tcp.SecondaryFirst, tcp.PrimaryNext);
        if (!meets || SaysTheSameElsewhere(in flow, primary))
        {
            return Apart(in flow, in doubt);
        }

        tcp.Verified.Add(arena[primary].StreamStart, tcp.SecondaryFirst);
        for (FrameRef at = primary; !at.IsNone; at = arena[at].Next)
        {
            if (TcpSequence.Before(arena[at].StreamStart, tcp.SecondaryFirst))
            {
                arena[at].Marks |= FrameMarks.Assumed;
            }
        }

        Verdict verdict = Judge(ref flow, primary);
        // What was verified may be so far away that both do not fit into what is remembered.
        return verdict.Kind == VerdictKind.Doubt ? Apart(in flow, in doubt) : verdict;
    }

    /// <summary>Sends a segment of the secondary home of which nothing is left but what was said before the primary was first seen.</summary>
    /// <returns>False when there is more to it.</returns>
    public bool TryDropUnseen(ref Flow flow, FrameRef secondary)
    {
        ref Frame frame = ref arena[secondary];
        ref TcpState tcp = ref flow.Tcp;
        if (tcp.Has(TcpFlags.PrimarySyn) || !tcp.Has(TcpFlags.PrimarySeen) || !TcpSequence.Before(frame.StreamStart, tcp.PrimaryFirst))
        {
            return false;
        }

        bool isAllUnseen = !TcpSequence.After(frame.StreamEnd, tcp.PrimaryFirst)
            || tcp.Verified.Covers(tcp.PrimaryFirst, frame.StreamEnd);
        if (isAllUnseen)
        {
            counters.SecondaryRepeated++;
            segments.Remove(ref flow, secondary);
        }

        return isAllUnseen;
    }

    private static Verdict Apart(in Flow flow, in Verdict doubt) =>
        doubt with { Kind = VerdictKind.Divergence, Secondary = flow.Secondary.Head };

    private static void NoteFirst(ref TcpState tcp, uint sequence)
    {
        if (!tcp.Has(TcpFlags.SecondarySeen))
        {
            tcp.SecondaryFirst = sequence;
            tcp.Set(TcpFlags.SecondarySeen);
        }

        tcp.SecondaryFirst = TcpSequence.Earlier(tcp.SecondaryFirst, sequence);
    }

    private static bool IsBeforeFirst(in TcpState tcp, uint position) =>
        tcp.Has(TcpFlags.SecondarySeen) && !tcp.Has(TcpFlags.SecondarySyn) && TcpSequence.Before(position, tcp.SecondaryFirst);

    /// <summary>Both begin with the same words at different places: that is no retransmission, the streams themselves are apart.</summary>
    private bool SaysTheSameElsewhere(in Flow flow, FrameRef primary)
    {
        FrameRef secondary = flow.Secondary.Head;
        return !secondary.IsNone && flow.Tcp.Verified.IsEmpty
            && arena[primary].PayloadSequence != arena[secondary].PayloadSequence
            && arena.Payload(primary).SequenceEqual(arena.Payload(secondary));
    }
}
