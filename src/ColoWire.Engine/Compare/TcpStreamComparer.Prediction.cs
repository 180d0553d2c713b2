// SPDX-License-Identifier: GPL-2.0-or-later

using System.Runtime.CompilerServices;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Compare;

/// <content>
/// What is inlined of the verbs for flows whose next frame is predicted (<see cref="Flow.IsPredicted"/>): each segment goes on where the
/// last one ended, and the secondary's says what the oldest held one says. Each method changes all that the verb changes in full
/// (<see cref="AcceptPrimary"/>, <see cref="AcceptSecondary"/>, <see cref="Compare"/>), or nothing.
/// </content>
internal sealed partial class TcpStreamComparer
{
    private const byte PlainFlags = Tcp.Ack | Tcp.Psh;

    /// <summary>Notes the position of a segment of the primary that begins where the last one ended: data, or a pure
    /// acknowledgment.</summary>
    /// <returns>False when it is anything else.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryAccept(ref Flow flow, FrameView primary)
    {
        ref Frame frame = ref primary.Descriptor;
        ref TcpState tcp = ref flow.Tcp;
        TcpSegment segment = new(primary);
        uint start = segment.Sequence;
        if (start != tcp.PrimaryNext || !IsPlain(segment))
        {
            return false;
        }

        uint end = start + frame.Layout.PayloadLength;
        PlaceAt(ref frame, start, end);
        LeaveBeginning(ref tcp, start);
        // A segment that begins where the last one ended begins after PrimaryFirst. Only when the sequence numbers have wrapped around it
        // seems to begin before; BeginningLeft is set by then, and PrimaryFirst is not used any more.
        tcp.PrimaryNext = end;
        NoteAck(ref tcp, segment.Ack);
        return true;
    }

    /// <summary>Whether a held segment can do nothing but wait: for bytes of which nothing of the secondary's is there, or for an
    /// acknowledgment.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool MustWait(in Flow flow, FrameView primary)
    {
        ref Frame frame = ref primary.Descriptor;
        TcpSegment segment = new(primary);
        return frame.Segment.StreamStart != frame.Segment.StreamEnd
            ? flow.Secondary.IsEmpty && flow.Tcp.Verified.EndAt(frame.Segment.StreamStart) && !segment.Has(Tcp.Syn | Tcp.Rst)
                && (flow.Tcp.Has(TcpFlags.InStep) || !IsBeforeFirst(in flow.Tcp, frame.Segment.StreamStart))
            : IsPlain(segment) && TcpSequence.After(segment.Ack, flow.Tcp.SecondaryAck);
    }

    /// <summary>Compares a new segment of the secondary with the oldest held one; nothing of the secondary's may wait.</summary>
    /// <returns>Whether they are the same, and all that the primary's waits for has been said: the primary's belongs to the caller then.
    /// </returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryMatch(ref Flow flow, FrameView primary, FrameView secondary)
    {
        ref Frame ours = ref primary.Descriptor;
        ref TcpState tcp = ref flow.Tcp;
        TcpSegment left = new(primary);
        TcpSegment right = new(secondary);
        uint start = ours.Segment.StreamStart;
        int length = ours.Layout.PayloadLength;
        uint end = start + (uint)length;
        bool isNext = tcp.Verified.EndAtWithRoom(start, end) && ours.Segment.PayloadSequence == start && length != 0 && IsPlain(left)
            && (ours.Marks & ~FrameMarks.SentAhead) == FrameMarks.None && !IsFar(in tcp, start);
        if (!isNext || left.Place != right.Place || !ByteEquality.AreEqual(primary.Payload, secondary.Payload)
            || !headers.TryCount(primary, secondary))
        {
            return false;
        }

        HearAck(ref tcp, right);
        tcp.Verified.AddBehind(end);
        if (!tcp.Has(TcpFlags.InStep))
        {
            // Later segments begin after SecondaryFirst, because they begin after this one.
            NoteSecondary(ref tcp, start);
            tcp.Set(TcpFlags.InStep);
        }

        LeaveBeginning(ref tcp, end);
        PlaceAt(ref secondary.Descriptor, start, end);
        cache.Keep(ref flow, secondary.Reference);
        return true;
    }

    /// <summary>Takes a pure acknowledgment of the secondary, and returns its slot.</summary>
    /// <param name="flow">Its flow.</param>
    /// <param name="secondary">The segment, which has no payload.</param>
    /// <param name="advances">Whether it acknowledges more than the secondary did before.</param>
    /// <returns>False when it bears anything else.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryAcceptAck(ref Flow flow, FrameView secondary, out bool advances)
    {
        ref TcpState tcp = ref flow.Tcp;
        TcpSegment segment = new(secondary);
        uint sequence = segment.Sequence;
        if (!IsPlain(segment) || IsFar(in tcp, sequence))
        {
            advances = false;
            return false;
        }

        advances = HearAck(ref tcp, segment);
        NoteSecondary(ref tcp, sequence);
        disposition.ReturnSecondary(secondary.Reference);
        return true;
    }

    /// <summary>Judges the oldest held segment where it is an acknowledgment and nothing else.</summary>
    /// <returns>Whether it is one that may leave.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryReleaseAck(in Flow flow, FrameView primary)
    {
        ref Frame frame = ref primary.Descriptor;
        ref readonly TcpState tcp = ref flow.Tcp;
        TcpSegment segment = new(primary);
        bool mayLeave = frame.Layout.PayloadLength == 0 && IsPlain(segment) && (frame.Marks & ~FrameMarks.SentAhead) == FrameMarks.None
            && !TcpSequence.After(segment.Ack, tcp.SecondaryAck);
        return mayLeave && (segment.Ack != tcp.SecondaryAck || headers.TryCountWindow(segment.Window, tcp.SecondaryWindow));
    }

    /// <summary>Whether a segment neither opens, closes nor resets anything.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsPlain(TcpSegment segment) => (segment.Flags | Tcp.Psh) == PlainFlags;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PlaceAt(ref Frame frame, uint start, uint end)
    {
        frame.Segment.PayloadSequence = start;
        frame.Segment.StreamStart = start;
        frame.Segment.StreamEnd = end;
    }

    /// <summary>Notes an acknowledgment of the primary.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void NoteAck(ref TcpState tcp, uint ack) => tcp.PrimaryAck = TcpSequence.Later(ack, tcp.PrimaryAck);

    /// <summary>Notes the acknowledgment and the window of a segment of the secondary.</summary>
    /// <returns>Whether it acknowledges more than before.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool HearAck(ref TcpState tcp, TcpSegment segment)
    {
        bool advances = TcpSequence.After(segment.Ack, tcp.SecondaryAck);
        tcp.SecondaryAck = advances ? segment.Ack : tcp.SecondaryAck;
        tcp.SecondaryWindow = segment.Window;
        return advances;
    }
}
