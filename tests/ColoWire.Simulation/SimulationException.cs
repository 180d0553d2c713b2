// SPDX-License-Identifier: GPL-2.0-or-later

using System;

namespace ColoWire.Simulation;

/// <summary>A world in which something went wrong, with all that is needed to see it again.</summary>
internal sealed class SimulationException(string message, Exception? cause = null) : Exception(message, cause);
