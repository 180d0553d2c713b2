// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;

namespace ColoWire.Engine.Shards;

/// <summary>What a shard works on at the moment. A failure leaves it as it is, so that it names the frame or the flow that made the shard
/// fail.</summary>
internal sealed class WorkPlace
{
    /// <summary>The side whose batch the shard takes; null when it takes none.</summary>
    public Side? Batch { get; set; }

    /// <summary>The flow that the shard works on although no frame of it has come; <see cref="Flow.None"/> when there is none.</summary>
    public uint FlowIndex { get; set; } = Flow.None;
}
