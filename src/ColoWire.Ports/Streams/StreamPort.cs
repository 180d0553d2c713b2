// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Ports.Streams;

/// <summary>A port on a byte stream: what its owner may ask about the connection.</summary>
public abstract class StreamPort : ILinkReporter, IPeerReporter
{
    /// <summary>The prefix of the names of stream ports.</summary>
    public const string NamePrefix = "stream:";

    private readonly StreamEndpoint endpoint;

    private protected StreamPort(StreamEndpoint endpoint)
    {
        this.endpoint = endpoint;
        Channel = new StreamChannel(endpoint);
    }

    /// <summary>The name that the operator gave, for example <c>stream:unix:/run/primary_in</c>.</summary>
    public string Name => NamePrefix + endpoint;

    /// <summary>Up while there is a connection, else down. Any thread may read it.</summary>
    public LinkState Link => Channel.IsConnected ? LinkState.Up : LinkState.Down;

    /// <inheritdoc/>
    public string Trouble => Channel.Trouble;

    /// <inheritdoc/>
    public string? Peer => Channel.Peer;

    /// <inheritdoc/>
    public RefusedPeers Refused => Channel.Refused;

    /// <inheritdoc/>
    public string Allowed => StreamPeers.Allowed(endpoint);

    private protected StreamChannel Channel { get; }
}
