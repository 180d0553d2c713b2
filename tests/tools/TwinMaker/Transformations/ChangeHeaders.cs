// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using System.Collections.Generic;

namespace ColoWire.TwinMaker.Transformations;

/// <summary>Changes a header field of some frames that has no meaning for the receiver's application.</summary>
internal sealed class ChangeHeaders : ITransformation
{
    private const int Percent = 50;
    private const int VlanTagsOffset = 12;
    private const int MacLength = 6;
    private const byte DontFragment = 0x40;
    private const uint FlowLabelMask = 0x000F_FFFF;

    private readonly Func<TwinFrame, bool> _qualifies;
    private readonly Func<Change> _beginChange;

    private ChangeHeaders(string name, Func<TwinFrame, bool> qualifies, Func<Change> beginChange)
    {
        Name = name;
        _qualifies = qualifies;
        _beginChange = beginChange;
    }

    private delegate void Change(TwinFrame frame, DeterministicRandom random);

    public string Name { get; }

    public static ChangeHeaders Push() => new("push", frame => frame.IsTcpData, () => (frame, random) =>
    {
        if (!random.Chance(Percent))
            return;
        TcpHeader header = frame.Tcp;
        header.Flags ^= TcpFlags.Psh;
        frame.TransportChanged = true;
    });

    public static ChangeHeaders DontFragmentBit() =>
        new("dont-fragment", frame => !frame.IsCopied && frame.Layout is { IpVersion: 4, IsFragment: false }, () => (frame, random) =>
        {
            if (!random.Chance(Percent))
                return;
            frame.Network[6] ^= DontFragment;
            frame.NetworkChanged = true;
        });

    public static ChangeHeaders TrafficClass() => new("traffic-class", frame => !frame.IsCopied, () =>
    {
        Dictionary<FlowKey, byte> ofFlow = [];
        return (frame, random) =>
        {
            if (!ofFlow.TryGetValue(frame.Flow, out byte value))
                ofFlow[frame.Flow] = value = (byte)random.Next32();
            IpHeader.SetTrafficClass(frame.Network, value);
            frame.NetworkChanged = true;
        };
    });

    public static ChangeHeaders FlowLabels() => new("flow-labels", frame => !frame.IsCopied && frame.Layout.IpVersion == 6, () =>
    {
        Dictionary<FlowKey, uint> ofFlow = [];
        return (frame, random) =>
        {
            if (!ofFlow.TryGetValue(frame.Flow, out uint label))
                ofFlow[frame.Flow] = label = random.Next32() & FlowLabelMask;
            uint first = BinaryPrimitives.ReadUInt32BigEndian(frame.Network) & ~FlowLabelMask;
            BinaryPrimitives.WriteUInt32BigEndian(frame.Network, first | label);
        };
    });

    /// <summary>Priority and drop eligibility, the four bits before the VLAN identifier.</summary>
    public static ChangeHeaders VlanPriority() => new("vlan-priority", frame => !frame.IsCopied, () => (frame, random) =>
    {
        for (int offset = VlanTagsOffset; offset < frame.Layout.IpOffset - 2; offset += 4)
            frame.Bytes[offset + 2] = (byte)((frame.Bytes[offset + 2] & 0x0F) | (random.Between(0, 15) << 4));
    });

    /// <summary>Gives each station another unicast address, the same in all frames; group addresses stay.</summary>
    public static ChangeHeaders MacAddresses() => new("mac", frame => !frame.IsCopied, () =>
    {
        Dictionary<long, long> known = [];
        return (frame, random) =>
        {
            for (int offset = 0; offset < 2 * MacLength; offset += MacLength)
            {
                Span<byte> address = frame.Bytes.AsSpan(offset, MacLength);
                if ((address[0] & 1) != 0)
                    continue;
                long old = ((long)BinaryPrimitives.ReadUInt16BigEndian(address) << 32) | BinaryPrimitives.ReadUInt32BigEndian(address[2..]);
                if (!known.TryGetValue(old, out long other))
                    known[old] = other = random.Next32();
                address[0] = 0x02;
                BinaryPrimitives.WriteUInt32BigEndian(address[2..], (uint)other);
            }
        };
    });

    public void Apply(List<TwinFrame> frames, DeterministicRandom random)
    {
        Change change = _beginChange();
        foreach (TwinFrame frame in frames)
        {
            if (_qualifies(frame))
                change(frame, random);
        }
    }
}
