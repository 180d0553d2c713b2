// SPDX-License-Identifier: GPL-2.0-or-later

using System.Runtime.CompilerServices;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Flows;

/// <summary>
/// The hash of <see cref="FlowKey.Hash"/> for plain frames (<see cref="FrameLayout.IsPlain"/>), without making a key: of its six
/// products only two depend on the frame.
/// </summary>
internal readonly struct PlainFlowHash
{
    private readonly ulong constantTerms;
    private readonly ulong sourceSecret;
    private readonly ulong destinationSecret;
    private readonly ulong portsSecret;
    private readonly ulong protocolSecret;

    public PlainFlowHash(in FlowHashKey secret)
    {
        constantTerms = secret[0];
        for (int word = 0; word < FlowKey.Words; word += 2)
        {
            if (word is not (FlowKey.AddressesWord or FlowKey.PortsWord))
            {
                constantTerms += secret[word + 1] * secret[word + 2];
            }
        }

        sourceSecret = secret[FlowKey.AddressesWord + 1];
        destinationSecret = secret[FlowKey.AddressesWord + 2];
        portsSecret = secret[FlowKey.PortsWord + 1];
        protocolSecret = secret[FlowKey.PortsWord + 2];
    }

    /// <summary>The hash of a plain frame's flow.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint Of(FrameView frame)
    {
        ulong addresses = Network.Raw64(in frame.First, FrameLayout.PlainAddressesOffset);
        ulong ports = Network.Raw32(in frame.First, FrameLayout.PlainTransportOffset);
        byte protocol = frame.Descriptor.Layout.Protocol;
        ulong sum = constantTerms
            + ((sourceSecret + (uint)addresses) * (destinationSecret + (addresses >> 32)))
            + ((portsSecret + ports) * (protocolSecret + FlowKey.ProtocolBits(4, protocol, fragment: false)));
        return (uint)(sum >> 32);
    }
}
