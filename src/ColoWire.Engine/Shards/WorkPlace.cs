// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;

namespace ColoWire.Engine.Shards;

/// <summary>
/// The frame or the flow that a shard is processing. It is not reset when the shard fails, so that the failure report names it.
/// </summary>
internal sealed class WorkPlace
{
    /// <summary>The side whose batch the shard is taking; null when it is taking none.</summary>
    public Side? Batch { get; set; }

    /// <summary>
    /// The flow that the shard is processing for another reason than a frame of it; <see cref="Flow.None"/> when there is none.
    /// </summary>
    public uint FlowIndex { get; set; } = Flow.None;
}
