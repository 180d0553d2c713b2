// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Ports.Pcap;
using SharpPcap.LibPcap;

namespace ColoWire.Ports.Files;

/// <summary>
/// Reads the records of a capture in order: those of a pcap 2.4 file by <see cref="PlainRecords"/>, all others by libpcap, which
/// continues where that one stops.
/// </summary>
internal sealed class RecordReader : IDisposable
{
    private readonly CaptureFileReaderDevice device;
    private PlainRecords? plain;

    /// <summary>Begins at the first record of a capture.</summary>
    /// <param name="path">The file.</param>
    /// <param name="device">The same file, open for reading; the reader closes it.</param>
    public RecordReader(string path, CaptureFileReaderDevice device)
    {
        this.device = device;
        plain = PlainRecords.TryOpen(path);
    }

    /// <summary>libpcap's error text of the newest call that failed.</summary>
    public string LastError => device.LastError;

    /// <summary>Reads the next record. Its memory is valid until the next call.</summary>
    /// <returns><see cref="Libpcap.GotRecord"/>, <see cref="Libpcap.EndOfFile"/>, or a failure.</returns>
    public int Take(out nint header, out nint bytes)
    {
        header = 0;
        bytes = 0;
        if (plain is not null)
        {
            if (plain.TryTake(out header, out bytes))
            {
                return Libpcap.GotRecord;
            }

            Libpcap.SeekFile(device.Handle, plain.Position);
            plain.Dispose();
            plain = null;
        }

        return device.GetNextPacketPointers(ref header, ref bytes);
    }

    /// <summary>Closes the capture.</summary>
    public void Dispose()
    {
        plain?.Dispose();
        device.Dispose();
    }
}
