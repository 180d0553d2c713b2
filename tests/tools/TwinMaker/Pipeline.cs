// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using System.Linq;
using ColoWire.TwinMaker.Transformations;

namespace ColoWire.TwinMaker;

/// <summary>The harmless differences, in their order.</summary>
internal static class Pipeline
{
    /// <summary>The names of all differences that can be chosen.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Chosen(new TwinOptions { Seed = 0 }).Select(difference => difference.Name)];

    /// <summary>What the options choose, and in the end the checksums of what was changed.</summary>
    public static IReadOnlyList<ITransformation> Of(TwinOptions options)
    {
        List<ITransformation> transformations = [.. Chosen(options).Where(difference => options.Has(difference.Name))];
        int checksums = transformations.FindIndex(difference => difference is OmitUdpChecksums or OffloadChecksums or PadFrames);
        transformations.Insert(checksums < 0 ? transformations.Count : checksums, new RestoreChecksums());
        return transformations;
    }

    private static ITransformation[] Chosen(TwinOptions options) =>
    [
        // Joining after cutting moves the borders of segments, instead of only adding and removing some.
        new SplitSegments(options.SplitPercent),
        new MergeSegments(options.MergePercent),
        new RetransmitSegments(options.RetransmitPercent),
        new ResendRanges(),
        new DropAcknowledgments(),
        ReorderFrames.OfSegments(),
        ReorderFrames.OfDatagrams(),

        // From here on the numbers of a stream are no longer those that the capture had.
        new RenumberConnections(),
        new ShiftTimestampOptions(),
        new JitterWindows(),
        ChangeHeaders.Push(),
        new PadTcpOptions(),
        new SetTimeToLive(options.TimeToLive),
        ChangeHeaders.TrafficClass(),
        ChangeHeaders.DontFragmentBit(),
        ChangeHeaders.FlowLabels(),
        new RenumberPackets(),
        ChangeHeaders.VlanPriority(),
        ChangeHeaders.MacAddresses(),
        new DelayFrames(options.JitterMicroseconds),

        // What follows would be undone by the restoring of checksums, or is none of a checksum's business.
        new OmitUdpChecksums(),
        new OffloadChecksums(),
        new PadFrames(),
        new FragmentDatagrams(),
    ];
}
