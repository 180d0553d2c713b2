// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using ColoWire.TwinMaker.Transformations;

namespace ColoWire.TwinMaker;

/// <summary>The order of the transformations.</summary>
internal static class Pipeline
{
    public static IReadOnlyList<ITransformation> Of(TwinOptions options)
    {
        List<ITransformation> transformations = [];

        // A flip comes before anything is cut, joined or sent twice, so that each copy of the byte is the changed one.
        if (options.FlippedTcpFrame is int tcpFrame)
            transformations.Add(new FlipTcpByte(tcpFrame));
        if (options.FlippedUdpFrame is int udpFrame)
            transformations.Add(new FlipUdpByte(udpFrame));

        // Joining after cutting moves the borders of segments, instead of only adding and removing some.
        transformations.Add(new SplitSegments(options.SplitPercent));
        transformations.Add(new MergeSegments(options.MergePercent));
        transformations.Add(new RetransmitSegments(options.RetransmitPercent));
        if (options.DropAcknowledgments)
            transformations.Add(new DropAcknowledgments());

        transformations.Add(new ShiftTimestampOptions());
        transformations.Add(new JitterWindows());
        if (options.TimeToLive is int timeToLive)
            transformations.Add(new SetTimeToLive((byte)timeToLive));
        transformations.Add(new RenumberPackets());
        transformations.Add(new DelayFrames(options.JitterMicroseconds));

        transformations.Add(new RestoreChecksums());
        return transformations;
    }
}
