// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Runtime.InteropServices;
using ColoWire.Engine.Frames;

namespace ColoWire.Engine.Flows;

/// <summary>
/// The state of both TCP streams of a flow; the fields that every segment reads come first. Sequence numbers are the primary's;
/// <see cref="Shift"/> translates those of the secondary.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = sizeof(uint))]
internal struct TcpState
{
    /// <summary>Set once a segment of the primary was captured and both sides have acknowledged something.</summary>
    private const TcpFlags Known = TcpFlags.PrimarySeen | TcpFlags.PrimaryAcked | TcpFlags.SecondaryAcked;

    private const TcpFlags Disturbances =
        TcpFlags.PrimaryFar | TcpFlags.SecondaryFar | TcpFlags.ShiftOpen | TcpFlags.SynPending | TcpFlags.RstPending | TcpFlags.FinPending
        | TcpFlags.SecondaryFin | TcpFlags.ShiftDoubtful | TcpFlags.ClientGap;

    public TcpFlags Flags;

    /// <summary>The window field of the secondary's last segment, not scaled (RFC 7323 section 2).</summary>
    public ushort SecondaryWindow;

    /// <summary>The sequence number after the last one that the primary has sent.</summary>
    public uint PrimaryNext;

    /// <summary>The greatest acknowledgment number of the primary.</summary>
    public uint PrimaryAck;

    /// <summary>The greatest acknowledgment number of the secondary; an old segment that arrives late does not lower it. While
    /// <see cref="TcpFlags.SynPending"/> is set, it is that of the connection before.</summary>
    public uint SecondaryAck;

    /// <summary>Added to the secondary's sequence numbers to get the primary's, modulo 2^32: 0 when a rewriter in front of the
    /// secondary translates them, or when both sides chose the same initial number.</summary>
    public uint Shift;

    /// <summary>The sequence numbers that both sides have sent with the same bytes, SYN and FIN included. The latest range is at
    /// the end of the cache line that every segment reads.</summary>
    public VerifiedRanges Verified;

    /// <summary>The lowest sequence number that the primary has sent, when <see cref="TcpFlags.PrimarySeen"/> is set and
    /// <see cref="TcpFlags.BeginningLeft"/> is not.</summary>
    public uint PrimaryFirst;

    /// <summary>The lowest sequence number that was captured of the secondary, when <see cref="TcpFlags.SecondarySeen"/> is set
    /// and <see cref="TcpFlags.BeginningLeft"/> is not: the secondary had sent all bytes before it when its first segment was
    /// captured.</summary>
    public uint SecondaryFirst;

    /// <summary>The segment at which the last search in the secondary's segments ended; the next search mostly ends near
    /// it.</summary>
    public FrameRef Cursor;

    /// <summary>The root of the index over the secondary's segments; none while they arrive in order.</summary>
    public FrameRef IndexRoot;

    /// <summary>The sequence number of the primary's last SYN, when <see cref="TcpFlags.PrimarySyn"/> is set.</summary>
    public uint PrimaryIsn;

    /// <summary>The sequence number of the secondary's SYN, unshifted, when <see cref="TcpFlags.SecondarySyn"/> is set.</summary>
    public uint SecondaryIsn;

    /// <summary>The number of the secondary's SYN frame: segments captured before it belong to the connection before.</summary>
    public uint SecondarySynNumber;

    /// <summary>The sequence number of the secondary's FIN, shifted, when <see cref="TcpFlags.SecondaryFin"/> is set.</summary>
    public uint SecondaryFin;

    /// <summary>The sequence number of the secondary's RST, unshifted, when <see cref="TcpFlags.RstPending"/> is set.</summary>
    public uint SecondaryRst;

    /// <summary>The hash of the text in the secondary's RST, when <see cref="TcpFlags.RstPending"/> is set; 0 without a
    /// text.</summary>
    public uint SecondaryRstText;

    /// <summary>The acknowledgment number of the secondary's SYN, when <see cref="TcpFlags.SynPendingAck"/> is set.</summary>
    public uint SecondarySynAck;

    /// <summary>The options that the secondary's SYN offers (<c>TcpSegment.SynOffer</c>).</summary>
    public uint SecondaryOffer;

    /// <summary>When the oldest SYN, FIN or RST of the secondary that the primary has not sent arrived, in nanoseconds of the
    /// engine's clock.</summary>
    public long ControlSinceNs;

    /// <summary>The greatest acknowledgment number of the secondary in the connection that its pending SYN opens, when
    /// <see cref="TcpFlags.NextAcked"/> is set.</summary>
    public uint NextAck;

    /// <summary>Whether the next segments can be predicted: both sides have acknowledged something and the secondary's sequence
    /// numbers can be translated, the secondary has sent no FIN and no SYN or RST without a twin, and the last segment of neither
    /// side was far from the stream.</summary>
    public readonly bool IsSettled => (Flags & (Known | Disturbances)) == Known;

    public static TcpState Fresh => new() { Cursor = FrameRef.None, IndexRoot = FrameRef.None };

    /// <summary>Whether the connection opens: one side has sent a SYN that the other side has not, so that the secondary's
    /// numbers are not known yet.</summary>
    public readonly bool IsOpening => Has(TcpFlags.SynPending) || (Has(TcpFlags.PrimarySyn) && !Has(TcpFlags.SynMatched));

    /// <summary>Whether the secondary has sent a SYN, FIN or RST that the primary has not.</summary>
    public readonly bool IsControlPending => Has(TcpFlags.SynPending | TcpFlags.FinPending | TcpFlags.RstPending);

    /// <summary>Records a SYN, FIN or RST that the primary has not sent.</summary>
    public void Pend(TcpFlags flag, long arrivalNs)
    {
        if (!IsControlPending)
        {
            ControlSinceNs = arrivalNs;
        }

        Set(flag);
    }

    public readonly bool Has(TcpFlags flag) => (Flags & flag) != 0;

    public void Set(TcpFlags flag) => Flags |= flag;

    public void Clear(TcpFlags flag) => Flags &= ~flag;
}

/// <summary>What is known of a TCP flow, one bit for each fact.</summary>
[Flags]
internal enum TcpFlags : uint
{
    None = 0,

    /// <summary>A segment of the primary was captured.</summary>
    PrimarySeen = 1 << 0,

    /// <summary>The primary has sent an acknowledgment.</summary>
    PrimaryAcked = 1 << 1,

    /// <summary>The secondary has sent an acknowledgment.</summary>
    SecondaryAcked = 1 << 2,

    /// <summary>A SYN of the primary was captured.</summary>
    PrimarySyn = 1 << 3,

    /// <summary>The SYN of the primary has found its twin.</summary>
    SynMatched = 1 << 11,

    /// <summary>A SYN of the secondary was captured.</summary>
    SecondarySyn = 1 << 4,

    /// <summary>The secondary's SYN waits for the primary's.</summary>
    SynPending = 1 << 5,

    /// <summary>The secondary's SYN acknowledges a SYN of the client.</summary>
    SynPendingAck = 1 << 6,

    /// <summary>The initial sequence numbers differ, and no later segment has shown yet which numbers the secondary uses behind
    /// its SYN.</summary>
    ShiftOpen = 1 << 7,

    /// <summary>The secondary has sent its FIN.</summary>
    SecondaryFin = 1 << 8,

    /// <summary>The secondary has sent a RST that the primary has not.</summary>
    RstPending = 1 << 9,

    /// <summary>Both have sent a RST.</summary>
    RstMatched = 1 << 10,

    /// <summary>The secondary has sent a FIN that the primary has not.</summary>
    FinPending = 1 << 12,

    /// <summary>Both have sent their FIN, with the same sequence number.</summary>
    FinMatched = 1 << 13,

    /// <summary>A segment of the secondary was captured.</summary>
    SecondarySeen = 1 << 14,

    /// <summary>The primary has sent a RST.</summary>
    PrimaryRst = 1 << 15,

    /// <summary>Bytes of both sides were compared and are equal: the first captured byte of the secondary is at or before the end
    /// of what is verified.</summary>
    InStep = 1 << 16,

    /// <summary>The connection has advanced by more than any window since it was first captured: no byte from before is sent
    /// again.</summary>
    BeginningLeft = 1 << 17,

    /// <summary>The held segments of the secondary may include some that it sent before a checkpoint.</summary>
    HoldsStragglers = 1 << 18,

    /// <summary>The segments that were held when the secondary sent its SYN, and that belong to an older connection, have been
    /// dropped.</summary>
    OlderDropped = 1 << 19,

    /// <summary>The last segment of the primary was farther than <see cref="EngineLimits.StrayBytes"/> from
    /// <see cref="TcpState.PrimaryNext"/>. If the next one is, too, <see cref="TcpState.PrimaryNext"/> moves there.</summary>
    PrimaryFar = 1 << 20,

    /// <summary>The last segment of the secondary was farther than <see cref="EngineLimits.StrayBytes"/> from
    /// <see cref="TcpState.PrimaryNext"/>. If the next one is, too, its acknowledgment counts.</summary>
    SecondaryFar = 1 << 21,

    /// <summary>The secondary has acknowledged something in the connection that its pending SYN opens.</summary>
    NextAcked = 1 << 22,

    /// <summary>A checkpoint was broken off: the secondary uses <see cref="TcpState.Shift"/> as before, or has become a copy of
    /// the primary. Its next segment decides (R17).</summary>
    ShiftDoubtful = 1 << 23,

    /// <summary>The client has sent bytes behind a gap, so that the guests may send SACK blocks.</summary>
    ClientGap = 1 << 24,
}
