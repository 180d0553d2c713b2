// SPDX-License-Identifier: GPL-2.0-or-later

using System.Runtime.CompilerServices;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Compare;

/// <content>
/// The rule, in one go: two replicas in step say the next bytes of their stream alike and cut alike. Whatever is not that is left to
/// <see cref="Judge"/>, which would come to the same in more steps.
/// </content>
internal sealed partial class TcpStreamComparer
{
    private const byte PlainFlags = Tcp.Ack | Tcp.Psh;

    /// <summary>All of these must be set, and <see cref="TcpFlags.PrimaryFar"/> must not.</summary>
    private const TcpFlags Known = TcpFlags.PrimarySeen | TcpFlags.PrimaryAcked;

    /// <summary>All of these, and none of <see cref="Unsettled"/>.</summary>
    private const TcpFlags Settled = TcpFlags.InStep | TcpFlags.SecondarySeen | TcpFlags.SecondaryAcked;

    private const TcpFlags Unsettled =
        TcpFlags.ShiftOpen | TcpFlags.SynPending | TcpFlags.RstPending | TcpFlags.FinPending | TcpFlags.SecondaryFin;

    /// <summary>Notes where a segment of the primary stands that goes on where the last one ended: new bytes, and an acknowledgment.</summary>
    /// <returns>False when it is anything else; nothing has changed then.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryAccept(ref Flow flow, FrameView primary)
    {
        ref Frame frame = ref primary.Descriptor;
        ref TcpState tcp = ref flow.Tcp;
        TcpSegment segment = new(primary);
        uint start = segment.Sequence;
        int length = frame.Layout.PayloadLength;
        bool isKnown = (tcp.Flags & (Known | TcpFlags.PrimaryFar)) == Known;
        if (start != tcp.PrimaryNext || length == 0 || (segment.Flags | Tcp.Psh) != PlainFlags || !isKnown)
        {
            return false;
        }

        frame.PayloadSequence = start;
        frame.StreamStart = start;
        uint end = start + (uint)length;
        frame.StreamEnd = end;
        tcp.PrimaryNext = end;
        tcp.PrimaryAck = TcpSequence.Later(segment.Ack, tcp.PrimaryAck);
        return true;
    }

    /// <summary>Whether a segment that was accepted just now (<see cref="TryAccept"/>), and is the oldest held one, can do nothing but
    /// wait.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool MustWaitAsNew(in Flow flow, FrameView primary) =>
        flow.Secondary.IsEmpty && IsSettled(in flow.Tcp) && flow.Tcp.Verified.EndAt(primary.Descriptor.StreamStart);

    /// <summary>Whether a held segment can do nothing but wait: new bytes, and nothing of the secondary's to compare them with.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool MustWait(in Flow flow, FrameView primary)
    {
        ref Frame frame = ref primary.Descriptor;
        return MustWaitAsNew(in flow, primary)
            && frame.StreamStart != frame.StreamEnd && !new TcpSegment(primary).Has(Tcp.Syn | Tcp.Rst);
    }

    /// <summary>Compares a new segment of the secondary with the oldest held one; nothing of the secondary's may wait.</summary>
    /// <returns>Whether they are the same, and all that the primary's waits for has been said: both belong to the caller then. Else
    /// nothing has changed.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryMatch(ref Flow flow, FrameView primary, FrameView secondary)
    {
        ref Frame ours = ref primary.Descriptor;
        ref Frame theirs = ref secondary.Descriptor;
        ref TcpState tcp = ref flow.Tcp;
        TcpSegment left = new(primary);
        uint start = ours.StreamStart;
        int length = ours.Layout.PayloadLength;
        uint end = start + (uint)length;
        bool isNext = IsSettled(in tcp) && tcp.Shift == 0 && tcp.Verified.EndAtWithRoom(start, end) && ours.PayloadSequence == start && length != 0
            && (left.Flags | Tcp.Psh) == PlainFlags && (ours.Marks & ~FrameMarks.Announced) == FrameMarks.None;
        TcpSegment right = new(secondary);
        if (!isNext || left.Place != right.Place || !ByteEquality.AreEqual(primary.Payload, secondary.Payload) || !headers.TryCount(primary, secondary))
        {
            return false;
        }

        tcp.SecondaryAck = TcpSequence.Later(left.Ack, tcp.SecondaryAck);
        tcp.SecondaryWindow = right.Window;
        tcp.Verified.AddBehind(end);
        theirs.PayloadSequence = start;
        theirs.StreamStart = start;
        theirs.StreamEnd = end;
        kept.Keep(ref flow, secondary.Reference);
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsSettled(in TcpState tcp) => (tcp.Flags & (Settled | Unsettled)) == Settled;
}
