// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Figures;

/// <summary>One step of a part of the measurement: what is measured in rounds and becomes one row or a few.</summary>
/// <param name="Name">What the step measures.</param>
/// <param name="RoundSeconds">How long a round takes on the machine of <c>perf/results</c>, with its share of what is made before
/// the first. A slower machine takes longer for all steps.</param>
internal sealed record PlannedStep(string Name, double RoundSeconds);
