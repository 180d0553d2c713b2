// SPDX-License-Identifier: GPL-2.0-or-later

using System;

namespace ColoWire.Figures;

/// <summary>What the user gave cannot be used; the message is the one line that says why.</summary>
internal sealed class BadInputException(string message) : Exception(message);
