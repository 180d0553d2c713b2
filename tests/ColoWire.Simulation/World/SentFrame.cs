// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine.Frames;
using ColoWire.Engine.Tests.Bench;

namespace ColoWire.Simulation.World;

/// <summary>Which replicas a client's frame concerns (R15).</summary>
internal enum Concern
{
    /// <summary>Both receive it, exactly once.</summary>
    Both,

    /// <summary>Neither receives it.</summary>
    None,

    /// <summary>Both receive it until the guest's MAC address is known, and then neither.</summary>
    UntilKnown,
}

/// <summary>The kind of a frame, which determines its rules in the oracle.</summary>
internal enum SentKind
{
    Segment,
    Datagram,

    /// <summary>Not comparable: the primary's leaves at once (scenario 64).</summary>
    Passed,

    /// <summary>Its headers contradict each other or its length: the primary's leaves at once (scenarios 67 to 74).</summary>
    Malformed,
}

/// <summary>
/// A frame as a guest or a client sent it: its bytes, which the engine sees, and the content that its sender meant to send, by
/// which alone the oracle judges. Positions in a stream are offsets from the initial sequence number: the SYN is at 0, data
/// begins at 1.
/// </summary>
internal sealed record SentFrame(long Number, Side Side, int Flow, SentKind Kind, byte[] Bytes)
{
    /// <summary>Number of checkpoints that the hypervisor had finished when the frame was sent.</summary>
    public int Checkpoints { get; init; }

    /// <summary>Segments: number of the connection, of those that use the flow's ports one after another.</summary>
    public int Connection { get; init; }

    /// <summary>Segments: position of the first payload byte, or of the next byte when there is no payload.</summary>
    public int Start { get; init; }

    /// <summary>Segments: position in the client's stream that it acknowledges.</summary>
    public int Ack { get; init; }

    public bool Syn { get; init; }

    public bool Fin { get; init; }

    public bool Rst { get; init; }

    /// <summary>Segments outside of the stream, which are never retransmitted: their number, the same on both sides; 0 for all
    /// others. Their bytes are no part of the stream.</summary>
    public int Aside { get; init; }

    /// <summary>Segments outside of the stream: a keepalive with a byte of garbage (RFC 1122 section 4.2.3.6), which a client
    /// ignores.</summary>
    public bool IsKeepalive { get; init; }

    /// <summary>Whether its sender never retransmits it.</summary>
    public bool IsSentOnce => Kind == SentKind.Datagram || Aside != 0;

    /// <summary>Payload of a segment, or of the unfragmented datagram.</summary>
    public byte[] Payload { get; init; } = [];

    /// <summary>Fragments: number of the datagram, and how many fragments it has; 0 for an unfragmented one.</summary>
    public (long Datagram, int Parts) Fragment { get; init; }

    /// <summary>Clients' segments: the segment in the world's numbers, from which the oracle computes what the secondary must
    /// receive; null for all other frames.</summary>
    public Segment? Packet { get; init; }

    /// <summary>Clients' frames: whether a replica must receive it (R15).</summary>
    public Concern Concern { get; init; }

    /// <summary>Clients' RSTs: it does not come from the client itself, and its sequence number is beside RCV.NXT of both
    /// replicas (RFC 5961).</summary>
    public bool IsBlind { get; init; }

    /// <summary>Segments: position behind the payload, which is that of a FIN.</summary>
    public int End => Start + Payload.Length;

    public override string ToString()
    {
        string who = $"{Side.ToString()[0]}#{Number}";
        return Kind == SentKind.Segment
            ? $"{who} c{Connection} {(Syn ? "SYN " : "")}{(Fin ? "FIN " : "")}{(Rst ? "RST " : "")}"
                + $"{(Aside != 0 ? $"{(IsKeepalive ? "keepalive" : "stray")} {Aside} " : "")}[{Start},{End}) ack {Ack}"
            : $"{who} {Kind} {Payload.Length} bytes{(Fragment.Parts == 0 ? "" : $" part of {Fragment.Datagram}")}";
    }
}
