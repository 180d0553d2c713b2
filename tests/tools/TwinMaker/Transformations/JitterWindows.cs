// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;

namespace ColoWire.TwinMaker.Transformations;

/// <summary>Makes the offered windows up to an eighth smaller. A window of 0 stays 0, and no other window becomes 0.</summary>
internal sealed class JitterWindows : ITransformation
{
    public string Name => "windows";

    public void Apply(List<TwinFrame> frames, DeterministicRandom random)
    {
        foreach (TwinFrame frame in frames)
        {
            if (!frame.IsTcp || frame.Tcp.HasAny(TcpFlags.Syn | TcpFlags.Rst))
                continue;

            TcpHeader header = frame.Tcp;
            header.Window -= (ushort)random.Between(0, header.Window / 8);
            frame.TransportChanged = true;
        }
    }
}
