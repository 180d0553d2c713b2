// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using System.Net;
using System.Net.Sockets;

namespace ColoWire.Ports.Streams;

/// <summary>Who may connect to a TCP server: addresses, or networks of them, as an operator names them with <c>peer=</c>.</summary>
internal static class StreamPeers
{
    /// <summary>Peers that can be named: each connection is held against all of them.</summary>
    public const int Most = 16;

    private const string Form = "an address or a network, for example 192.0.2.7, 192.0.2.0/24 or 2001:db8::7";

    /// <summary>Reads one.</summary>
    /// <param name="text">An address, or a network as its address and prefix length.</param>
    /// <param name="peer">The network; an address is one of its own.</param>
    /// <param name="error">What is wrong with it, and what is allowed.</param>
    public static bool TryParse(string text, out IPNetwork peer, out string error)
    {
        string[] parts = text.Split('/');
        bool isAddress = IPAddress.TryParse(parts[0], out IPAddress? address) && !parts[0].Contains('%', StringComparison.Ordinal);
        // What the library takes for an address in its shorter and octal forms is a slip of the pen here.
        isAddress = isAddress && (address!.AddressFamily == AddressFamily.InterNetworkV6 || address.ToString() == parts[0]);
        peer = default;
        error = $"peer '{text}' is none: {Form}";
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
            error = $"peer '{text}' is no network, as bits are set behind its prefix or there is no such prefix: {Form}";
            return false;
        }

        return true;
    }

    /// <summary>Whether an address is one of the peers.</summary>
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

    /// <summary>Who may connect to an endpoint, in words.</summary>
    public static string Allowed(StreamEndpoint endpoint) => endpoint.Peers.Count == 0
        ? "the host that is connected, as no peer= is named,"
        : string.Join(", ", endpoint.Peers.Select(Text));

    /// <summary>As it is written.</summary>
    public static string Text(IPNetwork peer) =>
        peer.PrefixLength == AddressBits(peer.BaseAddress) ? peer.BaseAddress.ToString() : peer.ToString();

    /// <summary>An IPv4 address as such, though it came to a socket for both families (RFC 4291 section 2.5.5.2).</summary>
    public static IPAddress Plain(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;

    private static int AddressBits(IPAddress address) => address.AddressFamily == AddressFamily.InterNetworkV6 ? 128 : 32;
}
