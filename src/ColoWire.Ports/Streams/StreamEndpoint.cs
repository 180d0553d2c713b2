// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace ColoWire.Ports.Streams;

/// <summary>
/// An end of a byte stream as the operator writes it: <c>unix:PATH</c> or <c>HOST:PORT</c> to connect to; with <c>,server</c> to
/// listen at, over TCP with <c>,peer=ADDRESS</c> for connections from there only.
/// </summary>
/// <param name="Path">The path of a unix socket; null for TCP.</param>
/// <param name="Host">A host name, an IPv4 address, or an IPv6 address without its brackets; null for a unix socket.</param>
/// <param name="Port">The TCP port; 0 for a unix socket.</param>
/// <param name="IsServer">Whether to listen; else to connect.</param>
public sealed record StreamEndpoint(string? Path, string? Host, int Port, bool IsServer)
{
    /// <summary>The forms that are allowed, for messages and help.</summary>
    public const string Allowed = "unix:PATH[,server] or HOST:PORT[,server[,peer=ADDRESS]]";

    private const string UnixPrefix = "unix:";
    private const string ServerSuffix = ",server";
    private const string PeerPrefix = ",peer=";

    /// <summary>Bytes of the path of a unix socket, with the 0 at its end (sun_path, unix(7)).</summary>
    private const int PathBytes = 108;

    /// <summary>The addresses, or networks of them, that may connect to a TCP server. Empty: while a host is connected, that host
    /// only.</summary>
    public IReadOnlyList<IPNetwork> Peers { get; init; } = [];

    /// <summary>Parses an endpoint.</summary>
    /// <param name="text">For example <c>unix:/run/primary_in,server</c>.</param>
    /// <param name="endpoint">The endpoint.</param>
    /// <param name="error">What is wrong with it; not what is allowed.</param>
    /// <returns>False, with an error, when the text is no endpoint.</returns>
    public static bool TryParse(
        string text, [NotNullWhen(true)] out StreamEndpoint? endpoint, [NotNullWhen(false)] out string? error)
    {
        ArgumentNullException.ThrowIfNull(text);
        endpoint = null;
        string served = text;
        List<IPNetwork> peers = [];
        int at;
        while ((at = served.LastIndexOf(',')) >= 0 && served[at..].StartsWith(PeerPrefix, StringComparison.Ordinal))
        {
            if (!StreamPeers.TryParse(served[(at + PeerPrefix.Length)..], out IPNetwork peer, out error))
            {
                return false;
            }

            peers.Insert(0, peer);
            served = served[..at];
        }

        bool isServer = served.EndsWith(ServerSuffix, StringComparison.Ordinal);
        string place = isServer ? served[..^ServerSuffix.Length] : served;
        if (peers.Count != 0 && PeersError(place, isServer, peers.Count) is string fault)
        {
            error = fault;
            return false;
        }

        if (place.StartsWith(UnixPrefix, StringComparison.Ordinal))
        {
            string path = place[UnixPrefix.Length..];
            error = PathError(path);
            endpoint = error is null ? new StreamEndpoint(path, null, 0, isServer) : null;
            return endpoint is not null;
        }

        int colon = place.LastIndexOf(':');
        string host = colon < 0 ? place : place[..colon];
        string port = place[(colon + 1)..];
        bool isBracketed = host.StartsWith('[') && host.EndsWith(']');
        int number = 0;
        error = colon < 0 ? $"'{place}' names no port"
            : host.Length == 0 ? "no host is given"
            : !isBracketed && host.Contains(':') ? "an IPv6 address is written in brackets"
            : isBracketed && !IPAddress.TryParse(host[1..^1], out _) ? $"'{host}' is no IPv6 address"
            : host.Any(c => c is <= ' ' or > '~' or ',' or '/') ? $"'{host}' is no host"
            : port.Contains(',')
                ? $"'{port[port.IndexOf(',')..]}' cannot follow a port; ',server' can, and after that ',peer=ADDRESS'"
            : !int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out number)
                || number is < 1 or > IPEndPoint.MaxPort
                ? $"'{port}' is no port from 1 to {IPEndPoint.MaxPort}"
            : null;
        endpoint = error is null
            ? new StreamEndpoint(null, isBracketed ? host[1..^1] : host, number, isServer) { Peers = peers }
            : null;
        return endpoint is not null;
    }

    /// <summary>Whether both have the same address, one of them as a server or not.</summary>
    public bool IsSamePlaceAs(StreamEndpoint other) =>
        other is not null
        && (Path is null) == (other.Path is null)
        && (Path is null
            ? Port == other.Port && string.Equals(Host, other.Host, StringComparison.OrdinalIgnoreCase)
            : System.IO.Path.GetFullPath(Path) == System.IO.Path.GetFullPath(other.Path!));

    /// <summary>The endpoint as it is written.</summary>
    public override string ToString()
    {
        string host = Host?.Contains(':') == true ? $"[{Host}]" : Host ?? string.Empty;
        string place = Path is null ? string.Create(CultureInfo.InvariantCulture, $"{host}:{Port}") : UnixPrefix + Path;
        string peers = string.Concat(Peers.Select(peer => PeerPrefix + StreamPeers.Text(peer)));
        return place + (IsServer ? ServerSuffix : string.Empty) + peers;
    }

    /// <summary>A socket for the endpoint, neither connected nor bound.</summary>
    internal Socket NewSocket() => Path is null
        ? new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true }
        : new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);

    /// <summary>The socket address of the endpoint.</summary>
    internal EndPoint Address() => Path is not null ? new UnixDomainSocketEndPoint(Path)
        : IPAddress.TryParse(Host, out IPAddress? address) ? new IPEndPoint(address, Port)
        : new DnsEndPoint(Host!, Port);

    private static string? PeersError(string place, bool isServer, int count) =>
        !isServer ? "peer= says which addresses may connect to a server: write it behind ',server'"
        : place.StartsWith(UnixPrefix, StringComparison.Ordinal)
            ? "peer= is for TCP: a unix socket is for its user and group (mode 0660)"
        : count > StreamPeers.Most ? $"at most {StreamPeers.Most} peers can be named: name their network"
        : null;

    private static string? PathError(string path) => path switch
    {
        "" => "no path is given",
        _ when path.Contains(',') => "a path has no comma here (only ',server' follows one)",
        _ when Encoding.UTF8.GetByteCount(path) >= PathBytes => $"a socket's path has at most {PathBytes - 1} bytes",
        _ => null,
    };
}
