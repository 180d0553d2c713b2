// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Runtime.InteropServices;

namespace ColoWire.Engine.Flows;

/// <summary>
/// What is known of the client's side of a TCP flow. It is kept beside the flows (<see cref="FlowTable.Client"/>), because it
/// exists only where clients' frames pass.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal struct ClientState
{
    /// <summary>The sequence number after the client's contiguous bytes that the ports of both replicas took, which is the lower
    /// RCV.NXT of the two (RFC 9293 section 3.3.1), when <see cref="ClientFlags.NextKnown"/> is set.</summary>
    public uint Next;

    /// <summary>The sequence number of the client's last SYN, when <see cref="ClientFlags.Opened"/> is set. A SYN with the same
    /// number is a repetition and opens nothing.</summary>
    public uint Isn;

    /// <summary>The sequence number of the last SYN with which the primary opened a connection, when
    /// <see cref="ClientFlags.PrimaryOpened"/> is set.</summary>
    public uint PrimaryIsn;

    /// <summary>The same of the secondary, when <see cref="ClientFlags.SecondaryOpened"/> is set.</summary>
    public uint SecondaryIsn;

    /// <summary>TSval in the primary's last SYN (RFC 7323 section 3.2), when <see cref="ClientFlags.PrimaryTimestamp"/> is
    /// set.</summary>
    public uint PrimaryTimestamp;

    /// <summary>TSval in the secondary's last SYN, when <see cref="ClientFlags.SecondaryTimestamp"/> is set.</summary>
    public uint SecondaryTimestamp;

    /// <summary>The end of the client's bytes that were captured behind a gap, when <see cref="TcpFlags.ClientGap"/> is
    /// set.</summary>
    public uint GapEnd;

    /// <summary>The client's bytes behind a gap that the secondary has reported by SACK (RFC 2018).</summary>
    public VerifiedRanges Sacked;

    /// <summary>Which of these numbers are known.</summary>
    public ClientFlags Flags;

    /// <summary>Whether a flag is set.</summary>
    public readonly bool Has(ClientFlags flag) => (Flags & flag) != 0;
}

/// <summary>What is known of the client's side of a flow.</summary>
[Flags]
internal enum ClientFlags : uint
{
    None = 0,

    /// <summary>Of the client a SYN was captured, of a replica the answer to one, or of both replicas an
    /// acknowledgment.</summary>
    NextKnown = 1 << 0,

    /// <summary>The primary's last SYN had a timestamp.</summary>
    PrimaryTimestamp = 1 << 1,

    /// <summary>The secondary's last SYN had a timestamp.</summary>
    SecondaryTimestamp = 1 << 2,

    /// <summary>Both timestamps.</summary>
    Timestamps = PrimaryTimestamp | SecondaryTimestamp,

    /// <summary>Frames of the client wait for the secondary's numbers (<c>KeptClients</c>), and later frames wait behind
    /// them.</summary>
    HasKept = 1 << 3,

    /// <summary>A client has sent a SYN since the translation was lost.</summary>
    SynSeen = 1 << 4,

    /// <summary>A SYN of the client was captured.</summary>
    Opened = 1 << 5,

    /// <summary>The primary has not answered the client's SYN yet: its acknowledgments are those of an older connection between
    /// the same ports.</summary>
    Unanswered = 1 << 6,

    /// <summary>The primary has opened a connection.</summary>
    PrimaryOpened = 1 << 7,

    /// <summary>The secondary has opened a connection.</summary>
    SecondaryOpened = 1 << 8,

    /// <summary>The client has sent a FIN since its last SYN, or since the guest's.</summary>
    FinSeen = 1 << 9,
}
