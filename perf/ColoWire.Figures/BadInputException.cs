// SPDX-License-Identifier: GPL-2.0-or-later

using System;

namespace ColoWire.Figures;

/// <summary>The user's input cannot be used; the message is one line with the reason.</summary>
internal sealed class BadInputException(string message) : Exception(message);
