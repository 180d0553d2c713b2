// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Ports.Pcap;
using SharpPcap.LibPcap;

namespace ColoWire.Ports.Files;

/// <summary>
/// Reads the records of a capture one after the other: those of a plain one by walking the file, all others through libpcap, which
/// goes on wherever the walk stops.
/// </summary>
internal sealed class RecordReader : IDisposable
{
    private readonly CaptureFileReaderDevice device;
    private PlainRecords? plain;

    /// <summary>Reads a capture from its first record.</summary>
    /// <param name="path">The file.</param>
    /// <param name="device">The same file, opened for reading; it belongs to the reader now.</param>
    public RecordReader(string path, CaptureFileReaderDevice device)
    {
        this.device = device;
        plain = PlainRecords.TryOpen(path);
    }

    /// <summary>What libpcap says of the newest call that failed.</summary>
    public string LastError => device.LastError;

    /// <summary>Takes the next record. It stays where it is until the one after it is taken.</summary>
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
