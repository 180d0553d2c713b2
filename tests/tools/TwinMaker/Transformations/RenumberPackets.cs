// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using System.Collections.Generic;

namespace ColoWire.TwinMaker.Transformations;

/// <summary>Gives packets the IP identifications of another guest; the fragments of a datagram keep a common one.</summary>
internal sealed class RenumberPackets : ITransformation
{
    private const byte DontFragment = 0x40;

    private readonly Dictionary<FlowKey, ushort> _counters = [];
    private readonly Dictionary<(FlowKey Flow, uint Identification), uint> _ofFragments = [];

    public string Name => "ip-ids";

    public void Apply(List<TwinFrame> frames, DeterministicRandom random)
    {
        foreach (TwinFrame frame in frames)
        {
            if (frame.Layout.IpVersion == 4)
                RenumberIpv4(frame, random);
            else if (frame.Layout.IpVersion == 6 && frame.Layout.IsFragment)
                RenumberIpv6(frame, random);
        }
    }

    private void RenumberIpv4(TwinFrame frame, DeterministicRandom random)
    {
        Span<byte> packet = frame.Network;
        ushort old = IpHeader.Ipv4Identification(packet);

        // Linux sends 0 with DF set and without a socket that counts; the second guest would send 0 as well.
        if (old == 0 && (packet[6] & DontFragment) != 0)
            return;

        ushort identification;
        if (!frame.Layout.IsFragment)
            identification = NextOf(frame.Flow, random);
        else if (_ofFragments.TryGetValue((frame.Flow, old), out uint known))
            identification = (ushort)known;
        else
            _ofFragments[(frame.Flow, old)] = identification = NextOf(frame.Flow, random);

        IpHeader.SetIpv4Identification(packet, identification);
        frame.NetworkChanged = true;
    }

    private void RenumberIpv6(TwinFrame frame, DeterministicRandom random)
    {
        Span<byte> field = frame.Bytes.AsSpan(frame.Layout.Ipv6FragmentOffset + 4, 4);
        (FlowKey, uint) datagram = (frame.Flow, BinaryPrimitives.ReadUInt32BigEndian(field));
        if (!_ofFragments.TryGetValue(datagram, out uint identification))
            _ofFragments[datagram] = identification = random.Next32();
        BinaryPrimitives.WriteUInt32BigEndian(field, identification);
    }

    private ushort NextOf(FlowKey flow, DeterministicRandom random)
    {
        if (!_counters.TryGetValue(flow, out ushort counter))
            counter = (ushort)random.Next32();
        return _counters[flow] = (ushort)(counter + 1);
    }
}
