// SPDX-License-Identifier: GPL-2.0-or-later

using System.Runtime.CompilerServices;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Flows;

/// <summary>
/// Computes <see cref="FlowKey.Hash"/> for regular frames (<see cref="FrameLayout.IsRegular"/>) without building a key. Three of
/// the six products of an IPv4 flow do not depend on the frame, and are computed once.
/// </summary>
internal readonly struct FlowHash
{
    private readonly FlowHashKey secret;
    private readonly ulong constantTerms;

    public FlowHash(in FlowHashKey secret)
    {
        this.secret = secret;
        constantTerms = secret[0];
        for (int word = FlowKey.AddressesWord + 2; word < FlowKey.PortsWord; word += 2)
        {
            constantTerms += secret[word + 1] * secret[word + 2];
        }
    }

    /// <summary>The hash of a regular frame's flow.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint Of(FrameView frame)
    {
        ref readonly FrameLayout layout = ref frame.Descriptor.Layout;
        uint ports = Network.Raw32(in frame.First, layout.TransportOffset);
        uint vlan = layout.VlanTags == 0 ? 0 : FlowKey.VlanBits(in frame.First, layout.VlanTags);
        ulong sum = layout.IpVersion == 4
            ? constantTerms + Term(FlowKey.AddressesWord, Network.Raw64(in frame.First, layout.NetworkOffset + Ipv4.SourceOffset))
            : Ipv6Terms(frame);
        sum += Term(
            FlowKey.PortsWord, ports | ((ulong)FlowKey.ProtocolBits(layout.IpVersion, layout.Protocol, fragment: false) << 32));
        return (uint)((sum + Term(FlowKey.VlanWord, vlan)) >> 32);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ulong Ipv6Terms(FrameView frame)
    {
        int addresses = frame.Descriptor.Layout.NetworkOffset + Ipv6.SourceOffset;
        return secret[0]
            + Term(0, Network.Raw64(in frame.First, addresses))
            + Term(2, Network.Raw64(in frame.First, addresses + 8))
            + Term(4, Network.Raw64(in frame.First, addresses + 16))
            + Term(6, Network.Raw64(in frame.First, addresses + 24));
    }

    /// <summary>The product of two adjacent words of a key.</summary>
    /// <param name="word">The index of the first word.</param>
    /// <param name="words">Both words, the first one in the lower half.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ulong Term(int word, ulong words) => (secret[word + 1] + (uint)words) * (secret[word + 2] + (words >> 32));
}
