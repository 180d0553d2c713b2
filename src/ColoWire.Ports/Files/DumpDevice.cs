// SPDX-License-Identifier: GPL-2.0-or-later

using System.Runtime.InteropServices;
using ColoWire.Ports.Pcap;
using SharpPcap;
using SharpPcap.LibPcap;

namespace ColoWire.Ports.Files;

/// <summary>
/// SharpPcap's writer of captures, with a method that writes without an allocation, and with the write errors that SharpPcap does
/// not report.
/// </summary>
internal sealed unsafe partial class DumpDevice(string path) : CaptureFileWriterDevice(path)
{
    private const string StandardLibrary = "libc";

    /// <summary>The unit of a timestamp's fraction, in nanoseconds.</summary>
    private long fractionNs;

    /// <inheritdoc/>
    public override void Open(DeviceConfiguration configuration)
    {
        fractionNs = configuration.TimestampResolution == SharpPcap.TimestampResolution.Nanosecond ? 1 : 1000;
        base.Open(configuration);
    }

    /// <summary>Whether a write has failed, of the newest frame or an earlier one.</summary>
    private bool HasFailed => StreamError(Libpcap.DumpFile(m_pcapDumpHandle)) != 0;

    /// <summary>Appends a frame.</summary>
    /// <param name="timestampNs">Its timestamp, in nanoseconds since 1970.</param>
    /// <param name="bytes">The frame.</param>
    /// <param name="length">Its bytes.</param>
    /// <returns>Null, or the error in one line.</returns>
    public string? Append(long timestampNs, byte* bytes, int length)
    {
        PacketHeader header = PacketHeader.Of(timestampNs, fractionNs, length);
        Libpcap.Dump(m_pcapDumpHandle, &header, bytes);
        return HasFailed ? Marshal.GetLastPInvokeErrorMessage() : null;
    }

    /// <summary>Writes out what is buffered.</summary>
    /// <returns>Null, or the error in one line.</returns>
    public string? Flush() =>
        Libpcap.DumpFlush(m_pcapDumpHandle) != 0 || HasFailed ? Marshal.GetLastPInvokeErrorMessage() : null;

    [LibraryImport(StandardLibrary, EntryPoint = "ferror")]
    private static partial int StreamError(nint stream);
}
