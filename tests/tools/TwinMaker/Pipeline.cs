// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using System.Linq;
using ColoWire.TwinMaker.Transformations;

namespace ColoWire.TwinMaker;

/// <summary>The harmless differences, in the order in which they are applied.</summary>
internal static class Pipeline
{
    /// <summary>The names of all differences that can be chosen.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Chosen(new TwinOptions { Seed = 0 }).Select(difference => difference.Name)];

    /// <summary>The differences that the options select, and the restoring of the checksums of the changed frames.</summary>
    public static IReadOnlyList<ITransformation> Of(TwinOptions options)
    {
        List<ITransformation> transformations = [.. Chosen(options).Where(difference => options.Has(difference.Name))];
        int checksums = transformations.FindIndex(difference => difference is OmitUdpChecksums or OffloadChecksums or PadFrames);
        transformations.Insert(checksums < 0 ? transformations.Count : checksums, new RestoreChecksums());
        return transformations;
    }

    private static ITransformation[] Chosen(TwinOptions options) =>
    [
        // Merging after splitting moves the borders of segments, instead of only adding and removing some.
        new SplitSegments(options.SplitPercent),
        new MergeSegments(options.MergePercent),
        new RetransmitSegments(options.RetransmitPercent),
        new ResendRanges(),
        new DropAcknowledgments(),
        ReorderFrames.OfSegments(),
        ReorderFrames.OfDatagrams(),

        // From here on the sequence numbers of a stream differ from those of the capture.
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

        // Restoring the checksums would undo the following differences, or they have no effect on a checksum.
        new OmitUdpChecksums(),
        new OffloadChecksums(),
        new PadFrames(),
        new FragmentDatagrams(),
    ];
}
