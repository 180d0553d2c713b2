// SPDX-License-Identifier: GPL-2.0-or-later

using System;

namespace ColoWire.Simulation;

/// <summary>A world that failed; the message has all that is needed to repeat it.</summary>
internal sealed class SimulationException(string message, Exception? cause = null) : Exception(message, cause);
