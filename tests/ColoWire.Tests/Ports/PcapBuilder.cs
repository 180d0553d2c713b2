// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers;
using System.Buffers.Binary;

namespace ColoWire.Tests.Ports;

/// <summary>Writes captures byte by byte: tests of the writer must not depend on it.</summary>
internal sealed class PcapBuilder
{
    public const uint MicrosecondMagic = 0xA1B2C3D4;
    public const uint NanosecondMagic = 0xA1B23C4D;

    private readonly ArrayBufferWriter<byte> capture = new();
    private readonly bool bigEndian;

    public PcapBuilder(uint magic = NanosecondMagic, uint linkType = 1, bool bigEndian = false, uint snapLength = 262_144)
    {
        this.bigEndian = bigEndian;
        Word(magic);
        Word(bigEndian ? 0x0002_0004u : 0x0004_0002u);
        Word(0);
        Word(0);
        Word(snapLength);
        Word(linkType);
    }

    public PcapBuilder Record(uint seconds, uint fraction, byte[] bytes, uint? wireLength = null)
    {
        Word(seconds);
        Word(fraction);
        Word((uint)bytes.Length);
        Word(wireLength ?? (uint)bytes.Length);
        capture.Write(bytes);
        return this;
    }

    public byte[] ToArray() => capture.WrittenSpan.ToArray();

    /// <summary>An Ethernet frame all of whose bytes depend on the seed.</summary>
    public static byte[] Frame(int length, int seed)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    private void Word(uint value)
    {
        Span<byte> word = stackalloc byte[sizeof(uint)];
        if (bigEndian)
            BinaryPrimitives.WriteUInt32BigEndian(word, value);
        else
            BinaryPrimitives.WriteUInt32LittleEndian(word, value);
        capture.Write(word);
    }
}
