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
/// Walks the ordinary records of an ordinary capture: pcap 2.4 in this machine's byte order (draft-ietf-opsawg-pcap). libpcap reads
/// them too, but with so many calls for each that they cost more than the comparison. It stops at whatever is not ordinary, at the
/// end and at damage too: what that is, libpcap knows.
/// </summary>
internal sealed unsafe class PlainRecords : IDisposable
{
    private const uint MicrosecondMagic = 0xA1B2C3D4;
    private const uint NanosecondMagic = 0xA1B23C4D;
    private const ushort MajorVersion = 2;
    private const ushort MinorVersion = 4;
    private const uint Ethernet = 1;

    /// <summary>Room for the longest record, and a call of the kernel for a thousand short ones; small enough for the L2 cache.</summary>
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

    /// <summary>Where in the file the record begins that was not taken yet.</summary>
    public long Position => bufferOffset + next;

    /// <summary>Opens a capture that libpcap could open.</summary>
    /// <returns>Null where it is not of the ordinary kind.</returns>
    public static PlainRecords? TryOpen(string path)
    {
        SafeFileHandle? file = null;
        try
        {
            file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, FileOptions.SequentialScan);
            FileHeader header = default;
            if (RandomAccess.Read(file, new Span<byte>(&header, sizeof(FileHeader)), 0) == sizeof(FileHeader) && IsOrdinary(in header))
            {
                return new PlainRecords(file, &header);
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // It may have gone since libpcap has opened it, which then reads what is left of it.
        }

        file?.Dispose();
        return null;
    }

    /// <summary>Takes the next record. It stays where it is until the one after it is taken.</summary>
    /// <returns>False at whatever is no ordinary record.</returns>
    public bool TryTake(out nint header, out nint bytes)
    {
        header = 0;
        bytes = 0;
        if (!Has(sizeof(RecordHeader)))
        {
            return false;
        }

        RecordHeader record = Unsafe.ReadUnaligned<RecordHeader>(buffer + next);
        // What libpcap's versions understand differently is not ordinary: times after 2038, fractions of more than a second.
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

    /// <summary>Whether that many bytes of the file follow; they lie in the buffer then.</summary>
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
            // libpcap meets the same error where this ends, and has the words for it.
            return 0;
        }
    }

    private readonly record struct FileHeader(
        uint Magic, ushort Major, ushort Minor, ulong Zone, uint SnapLength, uint LinkType);

    private readonly record struct RecordHeader(int Seconds, uint Fraction, uint CapturedLength, uint WireLength);
}
