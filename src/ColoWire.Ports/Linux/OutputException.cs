// SPDX-License-Identifier: GPL-2.0-or-later

using System.IO;

namespace ColoWire.Ports.Linux;

/// <summary>A standard stream does not take what is written to it.</summary>
/// <param name="message">Which, and why, in one line.</param>
public sealed class OutputException(string message) : IOException(message);
