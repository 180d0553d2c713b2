// SPDX-License-Identifier: GPL-2.0-or-later

using System.Collections.Generic;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;

namespace ColoWire.Engine.Failures;

/// <summary>The flow and the frames that a duty was processing when it failed.</summary>
/// <param name="Flow">The flow; without an IP version where there is none or where it is unknown.</param>
/// <param name="Frames">Copies of the frames that the flow held, at most <see cref="EngineLimits.CulpritFrames"/> of each side,
/// followed by a copy of the frame that the duty was processing.</param>
public sealed record Culprit(FlowKey Flow, IReadOnlyList<CulpritFrame> Frames);

/// <summary>A copy of a frame.</summary>
/// <param name="Side">The replica that sent the frame.</param>
/// <param name="ArrivalNs">The arrival time in nanoseconds of the engine's clock.</param>
/// <param name="Bytes">The bytes of the frame, without a virtio-net header.</param>
public sealed record CulpritFrame(Side Side, long ArrivalNs, byte[] Bytes);
