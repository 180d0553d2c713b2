// SPDX-License-Identifier: GPL-2.0-or-later

using System.Buffers;
using System.Buffers.Binary;

namespace ColoWire.Tests.Ports;

/// <summary>Writes pcapng captures block by block (draft-ietf-opsawg-pcapng), with several sections and interfaces of any
/// kind.</summary>
internal sealed class PcapngBuilder
{
    private const uint SectionBlock = 0x0A0D0D0A;
    private const uint InterfaceBlock = 1;
    private const uint PacketBlock = 6;
    private const uint OrderMagic = 0x1A2B3C4D;

    private readonly ArrayBufferWriter<byte> capture = new();
    private bool bigEndian;

    /// <summary>Begins a section.</summary>
    public PcapngBuilder Section(bool inBigEndian = false)
    {
        bigEndian = inBigEndian;
        return Block(SectionBlock, OrderMagic, bigEndian ? 0x0001_0000u : 0x0000_0001u, uint.MaxValue, uint.MaxValue);
    }

    /// <summary>Adds the section's next interface.</summary>
    public PcapngBuilder Interface(uint snapLength = 262_144, ushort linkType = 1) =>
        Block(InterfaceBlock, bigEndian ? (uint)linkType << 16 : linkType, snapLength);

    /// <summary>Adds a frame of one of the section's interfaces.</summary>
    public PcapngBuilder Frame(uint ofInterface, long microseconds, byte[] bytes)
    {
        byte[] padded = [.. bytes, .. new byte[-bytes.Length & 3]];
        Word(PacketBlock);
        Word((uint)(32 + padded.Length));
        Word(ofInterface);
        Word((uint)(microseconds >> 32));
        Word((uint)microseconds);
        Word((uint)bytes.Length);
        Word((uint)bytes.Length);
        capture.Write(padded);
        Word((uint)(32 + padded.Length));
        return this;
    }

    public byte[] ToArray() => capture.WrittenSpan.ToArray();

    private PcapngBuilder Block(uint type, params uint[] body)
    {
        uint length = (uint)(12 + (body.Length * sizeof(uint)));
        Word(type);
        Word(length);
        foreach (uint word in body)
        {
            Word(word);
        }

        Word(length);
        return this;
    }

    private void Word(uint value)
    {
        byte[] word = new byte[sizeof(uint)];
        if (bigEndian)
        {
            BinaryPrimitives.WriteUInt32BigEndian(word, value);
        }
        else
        {
            BinaryPrimitives.WriteUInt32LittleEndian(word, value);
        }

        capture.Write(word);
    }
}
