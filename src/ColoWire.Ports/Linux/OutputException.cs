// SPDX-License-Identifier: GPL-2.0-or-later

using System.IO;

namespace ColoWire.Ports.Linux;

/// <summary>A write to a standard stream has failed.</summary>
/// <param name="message">Which stream, and why, in one line.</param>
public sealed class OutputException(string message) : IOException(message);
