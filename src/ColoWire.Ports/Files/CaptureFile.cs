// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using System.IO;
using ColoWire.Ports.Pcap;
using PacketDotNet;
using SharpPcap;
using SharpPcap.LibPcap;

namespace ColoWire.Ports.Files;

/// <summary>Opens captures and turns what can be wrong with them into one line.</summary>
internal static class CaptureFile
{
    /// <summary>How file ports are named.</summary>
    public const string NamePrefix = "file:";

    private const string Allowed = "a pcap or pcapng file of Ethernet frames is needed";

    private const string WritablePath = "a file in an existing, writable directory is needed";

    /// <summary>Magic numbers of pcap files in microseconds (draft-ietf-opsawg-pcap, section 4), the second with the longer record
    /// headers of patched kernels, which libpcap reads too.</summary>
    private const uint MicrosecondMagic = 0xA1B2C3D4;
    private const uint PatchedMicrosecondMagic = 0xA1B2CD34;

    /// <summary>Opens a capture for reading in nanosecond resolution.</summary>
    /// <exception cref="PortException">It cannot be read, or is no capture of Ethernet frames.</exception>
    public static CaptureFileReaderDevice OpenRead(string path, out bool hasNanoseconds)
    {
        hasNanoseconds = CheckReadable(path);
        // The full path, because libpcap takes "-" for the standard input.
        CaptureFileReaderDevice device = new(Path.GetFullPath(path));
        try
        {
            device.Open(new DeviceConfiguration { TimestampResolution = TimestampResolution.Nanosecond });
        }
        catch (PcapException exception)
        {
            throw new PortException($"cannot read capture '{path}': {Reason(exception.Message)}; {Allowed}", exception);
        }
        catch (Exception exception) when (LibpcapMissing.Is(exception))
        {
            throw LibpcapMissing.Exception(exception);
        }

        if (device.LinkType != LinkLayers.Ethernet)
        {
            LinkLayers linkType = device.LinkType;
            device.Dispose();
            throw new PortException($"cannot use capture '{path}': its link type is {linkType} ({(int)linkType}); {Allowed}");
        }

        return device;
    }

    /// <summary>Creates a capture, or empties the one that is there.</summary>
    /// <exception cref="PortException">It cannot be written.</exception>
    public static DumpDevice OpenWrite(string path, bool nanoseconds)
    {
        CheckWritable(path);
        DumpDevice device = new(Path.GetFullPath(path));
        try
        {
            device.Open(new DeviceConfiguration
            {
                LinkLayerType = LinkLayers.Ethernet,
                Snaplen = Engine.EngineLimits.MaxFrameBytes,
                TimestampResolution = nanoseconds ? TimestampResolution.Nanosecond : TimestampResolution.Microsecond,
            });
            return device;
        }
        catch (PcapException exception)
        {
            throw new PortException($"cannot write capture '{path}': {Reason(exception.Message)}; {WritablePath}", exception);
        }
        catch (Exception exception) when (LibpcapMissing.Is(exception))
        {
            throw LibpcapMissing.Exception(exception);
        }
    }

    private static bool CheckReadable(string path)
    {
        if (Directory.Exists(path))
        {
            throw new PortException($"cannot read capture '{path}': it is a directory; {Allowed}");
        }

        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
            if (!file.CanSeek)
            {
                throw new PortException($"cannot read capture '{path}': it is a pipe or a device; {Allowed}");
            }

            Span<byte> magic = stackalloc byte[sizeof(uint)];
            int read = file.ReadAtLeast(magic, magic.Length, throwOnEndOfStream: false);
            return read == magic.Length && !IsMicrosecond(magic);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new PortException($"cannot read capture '{path}': {Reason(exception)}; {Allowed}", exception);
        }
    }

    private static bool IsMicrosecond(ReadOnlySpan<byte> magic)
    {
        uint little = BinaryPrimitives.ReadUInt32LittleEndian(magic);
        uint big = BinaryPrimitives.ReadUInt32BigEndian(magic);
        return little is MicrosecondMagic or PatchedMicrosecondMagic || big is MicrosecondMagic or PatchedMicrosecondMagic;
    }

    private static void CheckWritable(string path)
    {
        if (Directory.Exists(path))
        {
            throw new PortException($"cannot write capture '{path}': it is a directory; {WritablePath}");
        }

        try
        {
            using FileStream file = new(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new PortException($"cannot write capture '{path}': {Reason(exception)}; {WritablePath}", exception);
        }
    }

    private static string Reason(Exception exception) => exception switch
    {
        FileNotFoundException or DirectoryNotFoundException => "no such file or directory",
        UnauthorizedAccessException => "permission denied",
        ArgumentException => "no path is given",
        _ => Reason(exception.Message),
    };

    /// <summary>The last words of a message of SharpPcap or the runtime, which put the path in front.</summary>
    private static string Reason(string message)
    {
        const string sharpPcapPrefix = "Unable to open offline adapter: ";
        string line = message.ReplaceLineEndings(" ").Trim();
        return line.StartsWith(sharpPcapPrefix, StringComparison.Ordinal) ? line[sharpPcapPrefix.Length..] : line;
    }
}
