// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using System.Collections.Generic;

namespace ColoWire.TwinMaker.Transformations;

/// <summary>Writes only the pseudo-header's sum into some TCP and UDP checksums, as a guest with checksum offload does
/// (CHECKSUM_PARTIAL).</summary>
internal sealed class OffloadChecksums : ITransformation
{
    private const int Percent = 30;

    public string Name => "partial-checksums";

    public void Apply(List<TwinFrame> frames, DeterministicRandom random)
    {
        foreach (TwinFrame frame in frames)
        {
            if (frame.Layout is not { Transport: Transport.Tcp or Transport.Udp, IsFragment: false } || !random.Chance(Percent))
                continue;

            // The NIC takes the complement of the complete sum; the guest writes the partial sum without the complement.
            ushort sum = (ushort)~InternetChecksum.Finish(RestoreChecksums.PseudoHeaderSum(frame, frame.Layout.IpProtocol));
            BinaryPrimitives.WriteUInt16BigEndian(frame.Bytes.AsSpan(RestoreChecksums.FieldOffset(frame)), sum);
        }
    }
}
