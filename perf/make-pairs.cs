#!/usr/bin/env -S dotnet run
// SPDX-License-Identifier: GPL-2.0-or-later

// Writes two captures of the same traffic, the secondary's 50 us later and with other IP IDs: input for measuring `colowire compare`.
// Usage: dotnet run perf/make-pairs.cs -- PRIMARY.pcap SECONDARY.pcap [FRAMES]. The same arguments make the same bytes.

using System;
using System.Buffers.Binary;
using System.Globalization;
using System.IO;

const int FrameBytes = 64;
const int Flows = 256;
const int HeaderBytes = 14 + 20;
const long SecondaryLagUs = 50;
const long FrameGapUs = 10;
const uint StartSeconds = 1_700_000_000;

if (args.Length is not (2 or 3) || !int.TryParse(args.Length == 3 ? args[2] : "1000000", CultureInfo.InvariantCulture, out int frames))
{
    Console.Error.WriteLine("usage: make-pairs.cs PRIMARY.pcap SECONDARY.pcap [FRAMES]");
    return 2;
}

Write(args[0], 0, 1);
Write(args[1], SecondaryLagUs, 7);
return 0;

void Write(string path, long lagUs, ushort idStep)
{
    using FileStream file = new(path, FileMode.Create, FileAccess.Write, FileShare.Read, 1 << 20);
    Span<byte> fileHeader = stackalloc byte[24];
    BinaryPrimitives.WriteUInt32LittleEndian(fileHeader, 0xA1B2C3D4);
    BinaryPrimitives.WriteUInt16LittleEndian(fileHeader[4..], 2);
    BinaryPrimitives.WriteUInt16LittleEndian(fileHeader[6..], 4);
    BinaryPrimitives.WriteUInt32LittleEndian(fileHeader[16..], 65_536);
    BinaryPrimitives.WriteUInt32LittleEndian(fileHeader[20..], 1);
    file.Write(fileHeader);
    Span<byte> record = stackalloc byte[16 + FrameBytes];
    for (int i = 0; i < frames; i++)
    {
        long timeUs = (i * FrameGapUs) + lagUs;
        BinaryPrimitives.WriteUInt32LittleEndian(record, StartSeconds + (uint)(timeUs / 1_000_000));
        BinaryPrimitives.WriteUInt32LittleEndian(record[4..], (uint)(timeUs % 1_000_000));
        BinaryPrimitives.WriteUInt32LittleEndian(record[8..], FrameBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(record[12..], FrameBytes);
        Fill(record[16..], i, (ushort)(i * idStep));
        file.Write(record);
    }
}

// Every other flow is TCP, the rest UDP; each flow's frames count on from its last.
static void Fill(Span<byte> frame, int index, ushort id)
{
    int flow = index % Flows;
    int turn = index / Flows;
    bool tcp = (flow & 1) == 0;
    frame.Clear();
    "\x52\x54\0\0\0\x02\x52\x54\0\0\0\x01\x08\0"u8.CopyTo(frame);
    Span<byte> ip = frame[14..];
    ip[0] = 0x45;
    BinaryPrimitives.WriteUInt16BigEndian(ip[2..], FrameBytes - 14);
    BinaryPrimitives.WriteUInt16BigEndian(ip[4..], id);
    ip[8] = 64;
    ip[9] = (byte)(tcp ? 6 : 17);
    BinaryPrimitives.WriteUInt32BigEndian(ip[12..], 0x0A000001);
    BinaryPrimitives.WriteUInt32BigEndian(ip[16..], 0x0A000100 + (uint)flow);
    BinaryPrimitives.WriteUInt16BigEndian(ip[10..], Checksum(ip[..20]));
    Span<byte> transport = frame[HeaderBytes..];
    BinaryPrimitives.WriteUInt16BigEndian(transport, (ushort)(tcp ? 80 : 53));
    BinaryPrimitives.WriteUInt16BigEndian(transport[2..], (ushort)(40_000 + flow));
    Span<byte> payload = transport[(tcp ? 20 : 8)..];
    if (tcp)
    {
        BinaryPrimitives.WriteUInt32BigEndian(transport[4..], 1000 + (uint)(turn * payload.Length));
        BinaryPrimitives.WriteUInt32BigEndian(transport[8..], 5000);
        transport[12] = 0x50;
        transport[13] = 0x18;
        BinaryPrimitives.WriteUInt16BigEndian(transport[14..], 512);
    }
    else
    {
        BinaryPrimitives.WriteUInt16BigEndian(transport[4..], FrameBytes - HeaderBytes);
    }

    for (int i = 0; i < payload.Length; i++)
    {
        payload[i] = (byte)((index * 31) + (turn * 13) + (i * 7));
    }
}

static ushort Checksum(ReadOnlySpan<byte> header)
{
    uint sum = 0;
    for (int i = 0; i < header.Length; i += 2)
    {
        sum += BinaryPrimitives.ReadUInt16BigEndian(header[i..]);
    }

    return (ushort)~((sum & 0xFFFF) + (sum >> 16));
}
