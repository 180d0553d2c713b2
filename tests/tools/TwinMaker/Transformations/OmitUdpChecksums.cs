// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;

namespace ColoWire.TwinMaker.Transformations;

/// <summary>Sends some UDP datagrams over IPv4 without a checksum (RFC 768); over IPv6 the checksum is mandatory (RFC 8200
/// section 8.1).</summary>
internal sealed class OmitUdpChecksums : ITransformation
{
    private const int Percent = 20;

    public string Name => "udp-checksums";

    public void Apply(List<TwinFrame> frames, DeterministicRandom random)
    {
        foreach (TwinFrame frame in frames)
        {
            if (frame.Layout is { Transport: Transport.Udp, IsFragment: false, IpVersion: 4 } && random.Chance(Percent))
                frame.Bytes.AsSpan(RestoreChecksums.FieldOffset(frame), 2).Clear();
        }
    }
}
