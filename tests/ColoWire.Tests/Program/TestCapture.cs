// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO;
using System.Text;

namespace ColoWire.Tests.Program;

/// <summary>Captures of UDP datagrams, made by hand: draft-ietf-opsawg-pcap, section 4 and 5.</summary>
internal static class TestCapture
{
    private const int FileHeaderBytes = 24;
    private const int RecordHeaderBytes = 16;
    private const int HeaderBytes = 14 + 20 + 8;

    /// <summary>A datagram in an Ethernet frame.</summary>
    public static byte[] Udp(string payload, ushort sourcePort = 1000)
    {
        byte[] data = Encoding.ASCII.GetBytes(payload);
        byte[] frame = new byte[HeaderBytes + data.Length];
        frame[5] = 1;
        frame[11] = 2;
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(12), 0x0800);
        frame[14] = 0x45;
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(16), (ushort)(28 + data.Length));
        frame[22] = 64;
        frame[23] = 17;
        frame[26] = 10;
        frame[29] = 1;
        frame[30] = 10;
        frame[33] = 2;
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(34), sourcePort);
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(36), 2000);
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(38), (ushort)(8 + data.Length));
        data.CopyTo(frame, HeaderBytes);
        return frame;
    }

    /// <summary>Writes a capture.</summary>
    /// <param name="path">The file.</param>
    /// <param name="frames">Frames, each with its time in milliseconds.</param>
    public static void Write(string path, IEnumerable<(int AtMs, byte[] Frame)> frames)
    {
        using FileStream file = File.Create(path);
        Span<byte> header = stackalloc byte[FileHeaderBytes];
        header.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(header, 0xA1B2C3D4);
        BinaryPrimitives.WriteUInt16LittleEndian(header[4..], 2);
        BinaryPrimitives.WriteUInt16LittleEndian(header[6..], 4);
        BinaryPrimitives.WriteUInt32LittleEndian(header[16..], 65_536);
        BinaryPrimitives.WriteUInt32LittleEndian(header[20..], 1);
        file.Write(header);
        Span<byte> record = header[..RecordHeaderBytes];
        foreach ((int atMs, byte[] frame) in frames)
        {
            BinaryPrimitives.WriteInt32LittleEndian(record, 1_000_000 + (atMs / 1000));
            BinaryPrimitives.WriteInt32LittleEndian(record[4..], atMs % 1000 * 1000);
            BinaryPrimitives.WriteInt32LittleEndian(record[8..], frame.Length);
            BinaryPrimitives.WriteInt32LittleEndian(record[12..], frame.Length);
            file.Write(record);
            file.Write(frame);
        }
    }

    /// <summary>Reads the frames of a capture.</summary>
    public static List<byte[]> Read(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        List<byte[]> frames = [];
        int at = FileHeaderBytes;
        while (at < bytes.Length)
        {
            int length = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(at + 8));
            frames.Add(bytes.AsSpan(at + RecordHeaderBytes, length).ToArray());
            at += RecordHeaderBytes + length;
        }

        return frames;
    }
}
