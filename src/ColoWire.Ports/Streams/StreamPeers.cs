// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using System.Net;
using System.Net.Sockets;

namespace ColoWire.Ports.Streams;

/// <summary>The addresses that may connect to a TCP server, as the operator writes them with <c>peer=</c>.</summary>
internal static class StreamPeers
{
    /// <summary>Peers at most: each new connection is compared with all of them.</summary>
    public const int Most = 16;

    private const string Form = "an address or a network is needed, for example 192.0.2.7, 192.0.2.0/24 or 2001:db8::7";

    /// <summary>Parses a peer.</summary>
    /// <param name="text">An address, or a network as its address and prefix length.</param>
    /// <param name="peer">The network; an address is a network of its own.</param>
    /// <param name="error">What is wrong, and what is allowed.</param>
    /// <returns>False, with an error, when the text is neither.</returns>
    public static bool TryParse(string text, out IPNetwork peer, out string error)
    {
        string[] parts = text.Split('/');
        bool isAddress = IPAddress.TryParse(parts[0], out IPAddress? address)
            && !parts[0].Contains('%', StringComparison.Ordinal);
        // IPAddress takes shortened and octal forms (inet_aton(3)), too. Here they are a typing error.
        isAddress = isAddress && (address!.AddressFamily == AddressFamily.InterNetworkV6 || address.ToString() == parts[0]);
        peer = default;
        error = $"peer '{text}' is invalid: {Form}";
        if (!isAddress || parts.Length > 2)
        {
            return false;
        }

        if (parts.Length == 1)
        {
            IPAddress plain = Plain(address!);
            peer = new IPNetwork(plain, AddressBits(plain));
            return true;
        }

        if (!IPNetwork.TryParse(text, out peer) || !peer.BaseAddress.Equals(address))
        {
            error = $"peer '{text}' is no network, because bits behind its prefix are set, or the prefix is too long: {Form}";
            return false;
        }

        return true;
    }

    /// <summary>Whether an address is in one of the networks.</summary>
    public static bool Contain(IReadOnlyList<IPNetwork> peers, IPAddress address)
    {
        foreach (IPNetwork peer in peers)
        {
            if (peer.Contains(Plain(address)))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The addresses that may connect to an endpoint, for a message.</summary>
    public static string Allowed(StreamEndpoint endpoint) => endpoint.Peers.Count == 0
        ? "the host that is connected, because no peer= is named,"
        : string.Join(", ", endpoint.Peers.Select(Text));

    /// <summary>A peer as it is written.</summary>
    public static string Text(IPNetwork peer) =>
        peer.PrefixLength == AddressBits(peer.BaseAddress) ? peer.BaseAddress.ToString() : peer.ToString();

    /// <summary>The IPv4 address of an IPv4-mapped one (RFC 4291 section 2.5.5.2), as a socket for both families has it; any
    /// other address unchanged.</summary>
    public static IPAddress Plain(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;

    private static int AddressBits(IPAddress address) => address.AddressFamily == AddressFamily.InterNetworkV6 ? 128 : 32;
}
