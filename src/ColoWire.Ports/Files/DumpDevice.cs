// SPDX-License-Identifier: GPL-2.0-or-later

using System.Runtime.InteropServices;
using ColoWire.Ports.Pcap;
using SharpPcap;
using SharpPcap.LibPcap;

namespace ColoWire.Ports.Files;

/// <summary>
/// SharpPcap's writer of captures, with a way to write that allocates nothing and with the errors that libpcap keeps to itself.
/// </summary>
internal sealed unsafe partial class DumpDevice(string path) : CaptureFileWriterDevice(path)
{
    private const string StandardLibrary = "libc";

    /// <summary>Nanoseconds per unit of a record's fraction.</summary>
    private long fractionNs;

    /// <inheritdoc/>
    public override void Open(DeviceConfiguration configuration)
    {
        fractionNs = configuration.TimestampResolution == SharpPcap.TimestampResolution.Nanosecond ? 1 : 1000;
        base.Open(configuration);
    }

    /// <summary>Whether writing has failed, for the newest frame or one before it.</summary>
    private bool HasFailed => StreamError(Libpcap.DumpFile(m_pcapDumpHandle)) != 0;

    /// <summary>Appends a frame.</summary>
    /// <returns>Null, or what went wrong.</returns>
    public string? Append(long timestampNs, byte* bytes, int length)
    {
        PacketHeader header = PacketHeader.Of(timestampNs, fractionNs, length);
        Libpcap.Dump(m_pcapDumpHandle, &header, bytes);
        return HasFailed ? Marshal.GetLastPInvokeErrorMessage() : null;
    }

    /// <summary>Writes out what is buffered.</summary>
    /// <returns>Null, or what went wrong.</returns>
    public string? Flush() =>
        Libpcap.DumpFlush(m_pcapDumpHandle) != 0 || HasFailed ? Marshal.GetLastPInvokeErrorMessage() : null;

    [LibraryImport(StandardLibrary, EntryPoint = "ferror")]
    private static partial int StreamError(nint stream);
}
