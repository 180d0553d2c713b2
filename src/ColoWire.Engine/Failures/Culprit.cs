// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;

namespace ColoWire.Engine.Failures;

/// <summary>What a duty was at when it failed.</summary>
/// <param name="Flow">The flow; without an IP version where there is none, or where it cannot be told.</param>
/// <param name="Frames">Copies of what its flow held, at most <see cref="EngineLimits.CulpritFrames"/> of each side, and of the
/// frame itself, which is the last.</param>
public sealed record Culprit(FlowKey Flow, IReadOnlyList<CulpritFrame> Frames);

/// <summary>A copy of a frame.</summary>
/// <param name="Side">Who sent it.</param>
/// <param name="ArrivalNs">When it came, in nanoseconds of the engine's clock.</param>
/// <param name="Bytes">Its bytes, without a virtio-net header.</param>
public sealed record CulpritFrame(Side Side, long ArrivalNs, byte[] Bytes);
