// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using System.Threading;
using ColoWire.Ports.Linux;
using ColoWire.Ports.Pcap;
using Microsoft.Win32.SafeHandles;
using PacketDotNet;
using SharpPcap;
using SharpPcap.LibPcap;

namespace ColoWire.Ports.Files;

/// <summary>Opens capture files, and puts their errors into one line.</summary>
internal static class CaptureFile
{
    /// <summary>The prefix of the names of file ports.</summary>
    public const string NamePrefix = "file:";

    private const string Allowed = "a pcap or pcapng file of Ethernet frames is needed";

    private const string WritablePath = "a file in an existing, writable directory is needed";

    /// <summary>Magic numbers of pcap files in microseconds (draft-ietf-opsawg-pcap, section 4). The second one, of patched
    /// kernels, stands for longer record headers; libpcap reads it, too.</summary>
    private const uint MicrosecondMagic = 0xA1B2C3D4;
    private const uint PatchedMicrosecondMagic = 0xA1B2CD34;

    /// <summary>Bytes of a pcapng section header block: without options, and more than options make it (draft-ietf-opsawg-pcapng,
    /// section 4.1).</summary>
    private const uint LeastSectionHeaderBytes = 28;
    private const uint MostSectionHeaderBytes = 1 << 16;

    /// <summary>Opens a capture for reading, in nanosecond resolution.</summary>
    /// <param name="path">The file.</param>
    /// <param name="hasNanoseconds">Whether its timestamps are finer than a microsecond.</param>
    /// <exception cref="PortException">It cannot be read, or is no capture of Ethernet frames.</exception>
    public static CaptureFileReaderDevice OpenRead(string path, out bool hasNanoseconds)
    {
        hasNanoseconds = CheckReadable(path);
        // The full path, because libpcap reads the standard input for "-".
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

    /// <summary>The meaning of a read error of libpcap, and what to do about it.</summary>
    /// <param name="path">The capture.</param>
    /// <param name="frame">The number of the frame that could not be read.</param>
    /// <param name="error">libpcap's error text.</param>
    /// <returns>One line.</returns>
    public static string ReadFault(string path, long frame, string error)
    {
        // libpcap reads only those pcapng files whose interfaces and sections all have one link type, snapshot length and byte
        // order (sf-pcapng.c).
        if (error.Contains("different from the type of the first interface", StringComparison.Ordinal))
        {
            return $"cannot read capture '{path}' from frame {frame} on: it has interfaces of several link types, which libpcap "
                + $"does not read ({error}); take one of them out with "
                + $"'tshark -r {path} -Y frame.interface_id==0 -F pcap -w FILE'";
        }

        return error.Contains("of the first interface", StringComparison.Ordinal) || IsOtherByteOrder(error)
            ? $"cannot read capture '{path}' from frame {frame} on: it has interfaces or sections that differ in snapshot length "
                + $"or byte order, which libpcap does not read ({error}); make a plain capture of it with 'editcap -F pcap "
                + $"{path} FILE', or of several with 'mergecap -F pcap -w FILE ...'"
            : $"cannot read capture '{path}' to its end: frame {frame} is cut off or damaged ({error})";
    }

    /// <summary>Whether libpcap reports a block length that, with its bytes reversed, is the length of a section header: the next
    /// section has the other byte order.</summary>
    private static bool IsOtherByteOrder(string error)
    {
        const string Words = "pcapng block size ";
        int at = error.IndexOf(Words, StringComparison.Ordinal);
        string number = at < 0 ? "" : new string([.. error.AsSpan(at + Words.Length).ToArray().TakeWhile(char.IsAsciiDigit)]);
        return uint.TryParse(number, CultureInfo.InvariantCulture, out uint length)
            && BinaryPrimitives.ReverseEndianness(length) is >= LeastSectionHeaderBytes and <= MostSectionHeaderBytes;
    }

    /// <summary>Creates a capture, or truncates the one that exists. A named pipe is opened for writing once, when it has a
    /// reader.</summary>
    /// <param name="path">The file.</param>
    /// <param name="nanoseconds">Whether timestamps have nanoseconds.</param>
    /// <param name="temporaryPath">The file that is written in place of <paramref name="path"/>, which stays as it is and must be
    /// writable if it exists; null for none. Messages name <paramref name="path"/>.</param>
    /// <exception cref="PortException">It cannot be written, or the pipe has no reader.</exception>
    public static DumpDevice OpenWrite(string path, bool nanoseconds, string? temporaryPath = null)
    {
        // Kept open until libpcap has opened the pipe, too: else its reader could read the end of the file before the capture has
        // begun.
        using SafeFileHandle? pipe = Libc.IsPipe(path) ? WaitForReader(path) : null;
        if (pipe is null && (temporaryPath is null || Path.Exists(path)))
        {
            CheckWritable(path, path);
        }

        if (temporaryPath is not null)
        {
            CheckWritable(path, temporaryPath);
        }

        DumpDevice device = new(Path.GetFullPath(temporaryPath ?? path));
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

    /// <summary>See <see cref="FileInjectPort.FindFault"/>.</summary>
    public static string? FindWriteFault(string path)
    {
        if (!Path.Exists(path))
        {
            return Directory.Exists(Path.GetDirectoryName(Path.GetFullPath(path)))
                ? null
                : $"cannot write capture '{path}': {IoFault.NoSuchFile}; {WritablePath}";
        }

        try
        {
            if (!Libc.IsPipe(path))
            {
                CheckWritable(path, path);
            }

            return null;
        }
        catch (PortException exception)
        {
            return exception.Message;
        }
    }

    private static bool CheckReadable(string path)
    {
        if (Directory.Exists(path))
        {
            throw new PortException($"cannot read capture '{path}': it is a directory; {Allowed}");
        }

        if (Path.Exists(path) && !Libc.IsRegular(path))
        {
            // Opening a pipe would block until it has a writer.
            throw new PortException($"cannot read capture '{path}': it is a pipe or a device; {Allowed}");
        }

        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
            Span<byte> magic = stackalloc byte[sizeof(uint)];
            int read = file.ReadAtLeast(magic, magic.Length, throwOnEndOfStream: false);
            return read == magic.Length && !IsMicrosecond(magic);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new PortException($"cannot read capture '{path}': {IoFault.Reason(exception)}; {Allowed}", exception);
        }
    }

    private static bool IsMicrosecond(ReadOnlySpan<byte> magic)
    {
        uint little = BinaryPrimitives.ReadUInt32LittleEndian(magic);
        uint big = BinaryPrimitives.ReadUInt32BigEndian(magic);
        return little is MicrosecondMagic or PatchedMicrosecondMagic || big is MicrosecondMagic or PatchedMicrosecondMagic;
    }

    /// <summary>Makes sure that a file can be written; creates it if it does not exist.</summary>
    /// <param name="path">The path that messages name.</param>
    /// <param name="writtenPath">The file.</param>
    private static void CheckWritable(string path, string writtenPath)
    {
        if (Directory.Exists(writtenPath))
        {
            throw new PortException($"cannot write capture '{path}': it is a directory; {WritablePath}");
        }

        try
        {
            using FileStream file = new(writtenPath, FileMode.OpenOrCreate, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new PortException($"cannot write capture '{path}': {IoFault.Reason(exception)}; {WritablePath}", exception);
        }
    }

    private static SafeFileHandle WaitForReader(string path)
    {
        long endMs = Environment.TickCount64 + PortLimits.PipeReaderPatienceMs;
        while (true)
        {
            SafeFileHandle pipe = Libc.OpenPipe(path);
            int error = Marshal.GetLastPInvokeError();
            if (!pipe.IsInvalid)
            {
                return pipe;
            }

            pipe.Dispose();
            if (error != Libc.NoSuchAddress || Environment.TickCount64 >= endMs)
            {
                string reason = error == Libc.NoSuchAddress
                    ? $"no process has opened this pipe for reading within {PortLimits.PipeReaderPatienceMs} ms; "
                        + "start its reader first"
                    : Marshal.GetPInvokeErrorMessage(error);
                throw new PortException($"cannot write capture '{path}': {reason}");
            }

            Thread.Sleep(PortLimits.PipeReaderLookMs);
        }
    }

    /// <summary>A message of SharpPcap without the words that precede it, in one line.</summary>
    private static string Reason(string message)
    {
        const string sharpPcapPrefix = "Unable to open offline adapter: ";
        string line = message.ReplaceLineEndings(" ").Trim();
        return line.StartsWith(sharpPcapPrefix, StringComparison.Ordinal) ? line[sharpPcapPrefix.Length..] : line;
    }
}
