// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Runtime.InteropServices;
using ColoWire.Engine.Frames;

namespace ColoWire.Engine.Flows;

/// <summary>
/// What a TCP flow remembers of both streams, what every segment needs first. Sequence numbers are the primary's; those of the secondary
/// are shifted.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = sizeof(uint))]
internal struct TcpState
{
    /// <summary>Set when both sides have said and acknowledged something.</summary>
    private const TcpFlags Known = TcpFlags.PrimarySeen | TcpFlags.PrimaryAcked | TcpFlags.SecondaryAcked;

    private const TcpFlags Disturbances =
        TcpFlags.PrimaryFar | TcpFlags.SecondaryFar | TcpFlags.ShiftOpen | TcpFlags.SynPending | TcpFlags.RstPending | TcpFlags.FinPending
        | TcpFlags.SecondaryFin;

    /// <summary>What is known.</summary>
    public TcpFlags Flags;

    /// <summary>The window that the secondary last offered.</summary>
    public ushort SecondaryWindow;

    /// <summary>The sequence number after the last one that the primary used.</summary>
    public uint PrimaryNext;

    /// <summary>The greatest acknowledgment of the primary.</summary>
    public uint PrimaryAck;

    /// <summary>The greatest acknowledgment of the secondary: it never falls, whatever old segment arrives.</summary>
    public uint SecondaryAck;

    /// <summary>What is added to the secondary's sequence numbers: 0 where a rewriter stands before it, or both chose the same.</summary>
    public uint Shift;

    /// <summary>What both have said alike, SYN and FIN included. The latest range ends the cache line of what every segment needs.</summary>
    public VerifiedRanges Verified;

    /// <summary>The least sequence number that the primary has used, when <see cref="TcpFlags.PrimarySeen"/> is set and
    /// <see cref="TcpFlags.BeginningLeft"/> is not.</summary>
    public uint PrimaryFirst;

    /// <summary>The least sequence number that the secondary has used, when <see cref="TcpFlags.SecondarySeen"/> is set and
    /// <see cref="TcpFlags.BeginningLeft"/> is not: it had sent all before it when its part of the connection was first seen.</summary>
    public uint SecondaryFirst;

    /// <summary>Where the last search in the secondary's segments ended: the next one is most often near it.</summary>
    public FrameRef Cursor;

    /// <summary>The root of the index over the secondary's segments; none while they come in order.</summary>
    public FrameRef IndexRoot;

    /// <summary>The sequence number of the primary's last SYN, when <see cref="TcpFlags.PrimarySyn"/> is set.</summary>
    public uint PrimaryIsn;

    /// <summary>The sequence number of the secondary's SYN, unshifted, when <see cref="TcpFlags.SecondarySyn"/> is set.</summary>
    public uint SecondaryIsn;

    /// <summary>Number of the secondary's SYN frame: segments before it belong to the connection before.</summary>
    public uint SecondarySynNumber;

    /// <summary>The sequence number of the secondary's FIN, shifted, when <see cref="TcpFlags.SecondaryFin"/> is set.</summary>
    public uint SecondaryFin;

    /// <summary>The sequence number of the secondary's RST, unshifted, when <see cref="TcpFlags.RstPending"/> is set.</summary>
    public uint SecondaryRst;

    /// <summary>The hash of the text in the secondary's RST, when <see cref="TcpFlags.RstPending"/> is set; 0 without a text.</summary>
    public uint SecondaryRstText;

    /// <summary>The acknowledgment number of the secondary's SYN, when <see cref="TcpFlags.SynPendingAck"/> is set.</summary>
    public uint SecondarySynAck;

    /// <summary>What the secondary's SYN offers (<c>TcpSegment.SynOffer</c>).</summary>
    public uint SecondaryOffer;

    /// <summary>Arrival of the oldest SYN, FIN or RST of the secondary that the primary has not sent.</summary>
    public long ControlSinceNs;

    /// <summary>Whether both sides use the same numbers, and neither has opened, closed or reset anything that the other has
    /// not.</summary>
    public readonly bool IsSettled => (Flags & (Known | Disturbances)) == Known && Shift == 0;

    public static TcpState Fresh => new() { Cursor = FrameRef.None, IndexRoot = FrameRef.None };

    /// <summary>Whether the secondary has sent a SYN, FIN or RST that the primary has not.</summary>
    public readonly bool IsControlPending => Has(TcpFlags.SynPending | TcpFlags.FinPending | TcpFlags.RstPending);

    /// <summary>Notes a SYN, FIN or RST that the primary has not sent.</summary>
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

/// <summary>What is known of a TCP flow.</summary>
[Flags]
internal enum TcpFlags : uint
{
    None = 0,

    /// <summary>A primary segment was seen.</summary>
    PrimarySeen = 1 << 0,

    /// <summary>The primary has acknowledged something.</summary>
    PrimaryAcked = 1 << 1,

    /// <summary>The secondary has acknowledged something.</summary>
    SecondaryAcked = 1 << 2,

    /// <summary>A SYN of the primary was seen.</summary>
    PrimarySyn = 1 << 3,

    /// <summary>It has found its twin.</summary>
    SynMatched = 1 << 11,

    /// <summary>A SYN of the secondary was seen.</summary>
    SecondarySyn = 1 << 4,

    /// <summary>The secondary's SYN waits for the primary's.</summary>
    SynPending = 1 << 5,

    /// <summary>The secondary's SYN acknowledged one of the client's.</summary>
    SynPendingAck = 1 << 6,

    /// <summary>The two SYNs differ in number, and no later segment has told yet in whose numbers the secondary goes on.</summary>
    ShiftOpen = 1 << 7,

    /// <summary>The secondary has sent its FIN.</summary>
    SecondaryFin = 1 << 8,

    /// <summary>The secondary has sent a RST that the primary has not.</summary>
    RstPending = 1 << 9,

    /// <summary>Both have sent a RST.</summary>
    RstMatched = 1 << 10,

    /// <summary>The secondary has sent a FIN that the primary has not.</summary>
    FinPending = 1 << 12,

    /// <summary>Both have sent their FIN, at the same place.</summary>
    FinMatched = 1 << 13,

    /// <summary>A segment of the secondary was seen.</summary>
    SecondarySeen = 1 << 14,

    /// <summary>The primary has sent a RST.</summary>
    PrimaryRst = 1 << 15,

    /// <summary>Bytes of both have been compared: the secondary was first seen at or before the end of what is verified.</summary>
    InStep = 1 << 16,

    /// <summary>The connection has gone on by more than any window since it was first seen: of before that nothing is said again.</summary>
    BeginningLeft = 1 << 17,

    /// <summary>Among the secondary's segments that wait may be some of before a checkpoint.</summary>
    HoldsStragglers = 1 << 18,

    /// <summary>What waited when the secondary sent its SYN, and belongs to an older connection, has gone.</summary>
    OlderDropped = 1 << 19,

    /// <summary>The last segment of the primary was farther than <see cref="EngineLimits.StrayBytes"/> from
    /// <see cref="TcpState.PrimaryNext"/>. If the next one is, too, <see cref="TcpState.PrimaryNext"/> moves there.</summary>
    PrimaryFar = 1 << 20,

    /// <summary>The last segment of the secondary was farther than <see cref="EngineLimits.StrayBytes"/> from
    /// <see cref="TcpState.PrimaryNext"/>. If the next one is, too, its acknowledgment counts.</summary>
    SecondaryFar = 1 << 21,
}
