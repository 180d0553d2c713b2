// SPDX-License-Identifier: GPL-2.0-or-later

using System.Runtime.CompilerServices;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Flows;

/// <summary>
/// Identifies the flow of a frame at its capture: computes <see cref="FlowKey.Hash"/>, and stores it in the frame's descriptor
/// with the words of the key that a look-up compares, all but the addresses. No key is built for a regular frame
/// (<see cref="FrameLayout.IsRegular"/>); three of the six products of an IPv4 flow do not depend on the frame, and are computed
/// once.
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

    /// <summary>Identifies the flow of a regular frame.</summary>
    /// <returns>The hash.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint Identify(FrameView frame)
    {
        ref readonly FrameLayout layout = ref frame.Descriptor.Layout;
        uint ports = Network.Raw32(in frame.First, layout.TransportOffset);
        uint vlan = layout.VlanTags == 0 ? 0 : FlowKey.VlanBits(in frame.First, layout.VlanTags);
        ulong sum = layout.IpVersion == 4
            ? constantTerms + Term(FlowKey.AddressesWord, Network.Raw64(in frame.First, layout.NetworkOffset + Ipv4.SourceOffset))
            : Ipv6Terms(frame);
        ulong portsAndProtocol = ports | ((ulong)FlowKey.ProtocolBits(layout.IpVersion, layout.Protocol, fragment: false) << 32);
        sum += Term(FlowKey.PortsWord, portsAndProtocol) + Term(FlowKey.VlanWord, vlan);
        return Write(ref frame.Descriptor, (uint)(sum >> 32), portsAndProtocol, vlan);
    }

    /// <summary>Identifies the flow of any frame that is neither NotCompared nor Malformed.</summary>
    /// <returns>The hash.</returns>
    public uint IdentifyAny(FrameView frame)
    {
        FlowKey.Read(frame.Bytes, in frame.Descriptor.Layout, out FlowKey key);
        return Write(ref frame.Descriptor, key.Hash(in secret), key.LongAt(FlowKey.PortsWord), key[FlowKey.VlanWord]);
    }

    /// <summary>Identifies the guest's flow to which a client's frame belongs. The frame is neither NotCompared nor
    /// Malformed.</summary>
    /// <returns>The hash.</returns>
    public uint IdentifyClient(FrameView frame)
    {
        FlowKey.Read(frame.Bytes, in frame.Descriptor.Layout, out FlowKey key);
        key = key.Reversed();
        return Write(ref frame.Descriptor, key.Hash(in secret), key.LongAt(FlowKey.PortsWord), key[FlowKey.VlanWord]);
    }

    /// <summary>The hash of a flow's key.</summary>
    public uint Of(in FlowKey key) => key.Hash(in secret);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Write(ref Frame frame, uint hash, ulong portsAndProtocol, uint vlan)
    {
        frame.FlowHash = hash;
        frame.PortsAndProtocol = portsAndProtocol;
        frame.VlanIds = vlan;
        return hash;
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
