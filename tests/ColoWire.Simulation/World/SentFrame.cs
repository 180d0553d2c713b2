// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine.Frames;

namespace ColoWire.Simulation.World;

/// <summary>What a frame is to the judge.</summary>
internal enum SentKind
{
    Segment,
    Datagram,

    /// <summary>Not comparable: the primary's leaves at once (scenario 64).</summary>
    Passed,

    /// <summary>Not what its headers claim: the primary's leaves at once (scenarios 67 to 74).</summary>
    Malformed,
}

/// <summary>
/// A frame as a guest sent it: the bytes that the engine sees, and beside them what the guest meant, from which alone the oracle
/// judges. Positions in a stream are offsets from the initial sequence number: the SYN is at 0, data begins at 1.
/// </summary>
internal sealed record SentFrame(long Number, Side Side, int Flow, SentKind Kind, byte[] Bytes)
{
    /// <summary>How many checkpoints the hypervisor had finished when it was sent.</summary>
    public int Checkpoints { get; init; }

    /// <summary>Segments: which of the connections that use the flow's ports one after another.</summary>
    public int Connection { get; init; }

    /// <summary>Segments: position of the first payload byte, or of what follows where there is none.</summary>
    public int Start { get; init; }

    /// <summary>Segments: how much of the client's stream it acknowledges.</summary>
    public int Ack { get; init; }

    public bool Syn { get; init; }

    public bool Fin { get; init; }

    public bool Rst { get; init; }

    /// <summary>Segments that stand outside of the stream and are never sent again: their number, the same on both sides; 0 for all
    /// others. What their bytes are is no part of the stream.</summary>
    public int Aside { get; init; }

    /// <summary>Aside: a keepalive whose byte is garbage (RFC 1122 section 4.2.3.6), which no client takes.</summary>
    public bool IsKeepalive { get; init; }

    /// <summary>Whether its sender never repeats it.</summary>
    public bool IsSentOnce => Kind == SentKind.Datagram || Aside != 0;

    /// <summary>Payload of a segment, or of the whole datagram.</summary>
    public byte[] Payload { get; init; } = [];

    /// <summary>Fragments: of which datagram, and how many frames it has; 0 for one that is whole.</summary>
    public (long Datagram, int Parts) Fragment { get; init; }

    /// <summary>Segments: position behind the payload; a FIN stands there.</summary>
    public int End => Start + Payload.Length;

    public override string ToString()
    {
        string who = $"{(Side == Side.Primary ? 'P' : 'S')}#{Number}";
        return Kind == SentKind.Segment
            ? $"{who} c{Connection} {(Syn ? "SYN " : "")}{(Fin ? "FIN " : "")}{(Rst ? "RST " : "")}{(Aside != 0 ? $"{(IsKeepalive ? "keepalive" : "stray")} {Aside} " : "")}[{Start},{End}) ack {Ack}"
            : $"{who} {Kind} {Payload.Length} bytes{(Fragment.Parts == 0 ? "" : $" part of {Fragment.Datagram}")}";
    }
}
