// SPDX-License-Identifier: GPL-2.0-or-later

using System.Runtime.CompilerServices;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Compare;

/// <content>
/// The inlined heads for flows whose next frame is predicted (<see cref="Flow.IsPredicted"/>): each segment begins where the last
/// one ended, and the secondary's segment equals the oldest held one. Each method makes all changes that the general method makes
/// (<see cref="AcceptPrimary"/>, <see cref="AcceptSecondary"/>, <see cref="Compare"/>), or none.
/// </content>
internal sealed partial class TcpStreamComparer
{
    private const byte PlainFlags = Tcp.Ack | Tcp.Psh;

    /// <summary>Records the position of a segment of the primary that begins where the last one ended: data, or a pure
    /// acknowledgment.</summary>
    /// <returns>False for any other segment; nothing has changed then.</returns>
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
        LeaveBeginning(ref tcp, start, end);
        // A segment that begins where the last one ended begins after PrimaryFirst. It seems to begin before PrimaryFirst only
        // once the sequence numbers have wrapped around; BeginningLeft is set by then, and PrimaryFirst is no longer used.
        tcp.PrimaryNext = end;
        NotePrimaryAck(ref tcp, segment.Ack);
        return true;
    }

    /// <summary>Whether a held segment can only stay held: it waits for bytes of which no segment of the secondary is held, or
    /// for an acknowledgment.</summary>
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

    /// <summary>Compares a new segment of the secondary with the oldest held one of the primary. No segment of the secondary may
    /// be held.</summary>
    /// <returns>Whether the two are equal, and the primary's segment waits for nothing else. If so, the secondary's segment has
    /// been cached and the caller owns the primary's; otherwise nothing has changed.</returns>
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
        bool isNext =
            tcp.Verified.EndAtWithRoom(start, end) && ours.Segment.PayloadSequence == start && length != 0 && IsPlain(left)
            && (ours.Marks & ~FrameMarks.SentAhead) == FrameMarks.None && !IsFar(in tcp, start);
        if (!isNext || right.Sequence + tcp.Shift != start || left.AckAndFlags != right.AckAndFlags
            || !ByteEquality.AreEqual(primary.Payload, secondary.Payload)
            || !headers.TryCount(primary, secondary))
        {
            return false;
        }

        NoteSecondaryAck(ref tcp, right);
        tcp.Verified.AddBehind(end);
        if (!tcp.Has(TcpFlags.InStep))
        {
            // Later segments begin after SecondaryFirst, because they begin after this one.
            NoteSecondary(ref tcp, start);
            tcp.Set(TcpFlags.InStep);
        }

        PlaceAt(ref secondary.Descriptor, start, end);
        cache.Keep(ref flow, secondary.Reference);
        return true;
    }

    /// <summary>Takes a pure acknowledgment of the secondary, and returns its slot.</summary>
    /// <param name="flow">Its flow.</param>
    /// <param name="secondary">The segment, which has no payload.</param>
    /// <param name="advances">Whether the segment acknowledges more than the secondary did before.</param>
    /// <returns>False when the segment has other flags or is far from its stream; nothing has changed then.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryAcceptAck(ref Flow flow, FrameView secondary, out bool advances)
    {
        ref TcpState tcp = ref flow.Tcp;
        TcpSegment segment = new(secondary);
        uint sequence = segment.Sequence + tcp.Shift;
        if (!IsPlain(segment) || IsFar(in tcp, sequence))
        {
            advances = false;
            return false;
        }

        advances = NoteSecondaryAck(ref tcp, segment);
        NoteSecondary(ref tcp, sequence);
        disposition.ReturnSecondary(secondary.Reference);
        return true;
    }

    /// <summary>Compares the oldest held segment when it is a pure acknowledgment.</summary>
    /// <returns>Whether the segment is a pure acknowledgment that may be released.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryReleaseAck(in Flow flow, FrameView primary)
    {
        ref Frame frame = ref primary.Descriptor;
        ref readonly TcpState tcp = ref flow.Tcp;
        TcpSegment segment = new(primary);
        bool mayLeave =
            frame.Layout.PayloadLength == 0 && IsPlain(segment) && (frame.Marks & ~FrameMarks.SentAhead) == FrameMarks.None
            && !TcpSequence.After(segment.Ack, tcp.SecondaryAck);
        return mayLeave && (segment.Ack != tcp.SecondaryAck || headers.TryCountWindow(segment.Window, tcp.SecondaryWindow));
    }

    /// <summary>Whether a segment has the flag ACK, perhaps PSH, and no other flag.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsPlain(TcpSegment segment) => (segment.Flags | Tcp.Psh) == PlainFlags;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PlaceAt(ref Frame frame, uint start, uint end)
    {
        frame.Segment.PayloadSequence = start;
        frame.Segment.StreamStart = start;
        frame.Segment.StreamEnd = end;
    }

    /// <summary>Records an acknowledgment of the primary.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void NotePrimaryAck(ref TcpState tcp, uint ack) => tcp.PrimaryAck = TcpSequence.Later(ack, tcp.PrimaryAck);

    /// <summary>Records the acknowledgment and the window of a segment of the secondary.</summary>
    /// <returns>Whether the segment acknowledges more than the secondary did before.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool NoteSecondaryAck(ref TcpState tcp, TcpSegment segment)
    {
        bool advances = TcpSequence.After(segment.Ack, tcp.SecondaryAck);
        tcp.SecondaryAck = advances ? segment.Ack : tcp.SecondaryAck;
        tcp.SecondaryWindow = segment.Window;
        return advances;
    }
}
