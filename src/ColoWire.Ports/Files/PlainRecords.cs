// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.IO;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ColoWire.Engine;
using ColoWire.Ports.Pcap;
using Microsoft.Win32.SafeHandles;

namespace ColoWire.Ports.Files;

/// <summary>
/// Reads the records of a pcap 2.4 file in this machine's byte order (draft-ietf-opsawg-pcap) from a buffer of its own. libpcap
/// reads them, too, but with so many calls per record that they cost more than the comparison. It stops at everything else, also
/// at the end and at damage, from where libpcap continues and reports errors.
/// </summary>
internal sealed unsafe class PlainRecords : IDisposable
{
    private const uint MicrosecondMagic = 0xA1B2C3D4;
    private const uint NanosecondMagic = 0xA1B23C4D;
    private const ushort MajorVersion = 2;
    private const ushort MinorVersion = 4;
    private const uint Ethernet = 1;

    /// <summary>Room for the longest record, and one system call for a thousand short ones; small enough for the second-level
    /// cache.</summary>
    private const int BufferBytes = 2 * EngineLimits.MaxFrameBytes;

    private readonly SafeFileHandle file;
    private readonly byte* buffer = (byte*)NativeMemory.Alloc(BufferBytes);
    private readonly PacketHeader* taken = (PacketHeader*)NativeMemory.Alloc((nuint)sizeof(PacketHeader));
    private readonly uint fractionsPerSecond;
    private readonly uint fractionNs;
    private readonly uint longestFrame;
    private long bufferOffset;
    private int filled;
    private int next;

    private PlainRecords(SafeFileHandle file, FileHeader* header)
    {
        this.file = file;
        fractionNs = header->Magic == NanosecondMagic ? 1u : 1000;
        fractionsPerSecond = 1_000_000_000 / fractionNs;
        longestFrame = Math.Min(header->SnapLength, EngineLimits.MaxFrameBytes);
        bufferOffset = sizeof(FileHeader);
    }

    /// <summary>The offset in the file of the next record, in bytes.</summary>
    public long Position => bufferOffset + next;

    /// <summary>Opens a capture that libpcap could open.</summary>
    /// <returns>Null where the file has another format.</returns>
    public static PlainRecords? TryOpen(string path)
    {
        SafeFileHandle? file = null;
        try
        {
            file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, FileOptions.SequentialScan);
            FileHeader header = default;
            if (RandomAccess.Read(file, new Span<byte>(&header, sizeof(FileHeader)), 0) == sizeof(FileHeader)
                && IsOrdinary(in header))
            {
                return new PlainRecords(file, &header);
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The file was deleted since libpcap has opened it; libpcap then reads what is left.
        }

        file?.Dispose();
        return null;
    }

    /// <summary>Reads the next record. Its memory is valid until the next call.</summary>
    /// <returns>False where no record of this format follows.</returns>
    public bool TryTake(out nint header, out nint bytes)
    {
        header = 0;
        bytes = 0;
        if (!Has(sizeof(RecordHeader)))
        {
            return false;
        }

        RecordHeader record = Unsafe.ReadUnaligned<RecordHeader>(buffer + next);
        // Versions of libpcap differ on times after 2038 and on fractions of more than a second: such records are left to
        // libpcap.
        if (record.Seconds < 0 || record.Fraction >= fractionsPerSecond || record.CapturedLength > longestFrame
            || !Has(sizeof(RecordHeader) + (int)record.CapturedLength))
        {
            return false;
        }

        *taken = new PacketHeader
        {
            Seconds = new CLong(record.Seconds),
            Fraction = new CLong((nint)(record.Fraction * fractionNs)),
            CapturedLength = record.CapturedLength,
            WireLength = record.WireLength,
        };
        header = (nint)taken;
        bytes = (nint)(buffer + next + sizeof(RecordHeader));
        next += sizeof(RecordHeader) + (int)record.CapturedLength;
        return true;
    }

    /// <summary>Closes the file.</summary>
    public void Dispose()
    {
        file.Dispose();
        NativeMemory.Free(buffer);
        NativeMemory.Free(taken);
    }

    private static bool IsOrdinary(in FileHeader header) =>
        header is { Magic: MicrosecondMagic or NanosecondMagic, Major: MajorVersion, Minor: MinorVersion, LinkType: Ethernet };

    /// <summary>Whether so many bytes of the file follow; they are in the buffer then.</summary>
    private bool Has(int bytes) => filled - next >= bytes || TryFill(bytes);

    private bool TryFill(int bytes)
    {
        int left = filled - next;
        Buffer.MemoryCopy(buffer + next, buffer, BufferBytes, left);
        bufferOffset += next;
        filled = left;
        next = 0;
        int read = 1;
        while (filled < bytes && read > 0)
        {
            read = ReadSome();
            filled += read;
        }

        return filled >= bytes;
    }

    private int ReadSome()
    {
        try
        {
            return RandomAccess.Read(file, new Span<byte>(buffer + filled, BufferBytes - filled), bufferOffset + filled);
        }
        catch (IOException)
        {
            // libpcap meets the same error from here on, and reports it.
            return 0;
        }
    }

    private readonly record struct FileHeader(
        uint Magic, ushort Major, ushort Minor, ulong Zone, uint SnapLength, uint LinkType);

    private readonly record struct RecordHeader(int Seconds, uint Fraction, uint CapturedLength, uint WireLength);
}
