// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Ports.Files;

namespace ColoWire.Commands;

/// <summary>The captures of a comparison.</summary>
/// <param name="Primary">The primary's.</param>
/// <param name="Secondary">The secondary's.</param>
/// <param name="World">What clients sent; null when it was not captured.</param>
internal sealed record CompareInputs(FileCapturePort Primary, FileCapturePort Secondary, FileCapturePort? World);
