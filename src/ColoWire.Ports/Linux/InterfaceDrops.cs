// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Text;
using System.Collections.Generic;
using System.IO;
using Microsoft.Win32.SafeHandles;

namespace ColoWire.Ports.Linux;

/// <summary>
/// Frames that an interface itself has lost since this was created, because its ring was full (rx_missed_errors, rx_fifo_errors;
/// Documentation/networking/statistics.rst). The files stay open, and reading them allocates nothing.
/// </summary>
internal sealed class InterfaceDrops : IDisposable
{
    private static readonly string[] Counters = ["rx_missed_errors", "rx_fifo_errors"];

    private readonly List<SafeFileHandle> files = [];
    private readonly long atOpen;

    public InterfaceDrops(string interfaceName)
    {
        foreach (string counter in Counters)
        {
            try
            {
                files.Add(File.OpenHandle($"/sys/class/net/{interfaceName}/statistics/{counter}"));
            }
            catch (IOException)
            {
                // The sysfs of another namespace is mounted: what it does not show is not counted.
            }
        }

        atOpen = Sum();
    }

    /// <summary>Reads how many frames.</summary>
    public long Read() => Sum() - atOpen;

    /// <inheritdoc/>
    public void Dispose() => files.ForEach(file => file.Dispose());

    private long Sum()
    {
        Span<byte> text = stackalloc byte[32];
        long sum = 0;
        foreach (SafeFileHandle file in files)
        {
            // Fails when the interface is gone, which its port reports.
            int length = Libc.ReadAt(file, text);
            sum += length > 0 && Utf8Parser.TryParse(text[..length], out long count, out _) ? count : 0;
        }

        return sum;
    }
}
