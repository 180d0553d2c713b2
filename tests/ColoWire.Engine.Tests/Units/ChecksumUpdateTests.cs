// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Buffers.Binary;
using ColoWire.Engine.Tests.Bench;
using ColoWire.Engine.Translate;
using CsCheck;
using NUnit.Framework;

namespace ColoWire.Engine.Tests.Units;

public sealed class ChecksumUpdateTests
{
    private static readonly Gen<uint> Values =
        Gen.Frequency((2, Gen.UInt), (1, Gen.OneOf(0u, 1u, 0xFFFFu, 0xFFFF_0000u, uint.MaxValue)));

    [Test]
    public void The_example_of_RFC_1624_comes_out_as_it_says()
    {
        byte[] bytes = [0x55, 0x55];
        ChecksumUpdate update = default;
        update.Replace16(bytes, 0, 0x3285);
        Assert.That(bytes, Is.EqualTo(new byte[] { 0x32, 0x85 }));
        Assert.That(update.Update(0xDD2F), Is.Zero);
    }

    [TestCase((ushort)0x0000)]
    [TestCase((ushort)0xFFFF)]
    [TestCase((ushort)0x1234)]
    public void A_checksum_stays_when_every_field_gets_the_value_that_it_has(ushort checksum)
    {
        byte[] bytes = [0xFF, 0xFF, 0xFF, 0xFF, 0x12, 0x34];
        ChecksumUpdate update = default;
        update.Replace32(bytes, 0, uint.MaxValue);
        update.Replace16(bytes, 4, 0x1234);
        Assert.That(update.HasChanged, Is.False);
        Assert.That(update.Update(checksum), Is.EqualTo(checksum));
    }

    [Test]
    public void An_updated_checksum_is_the_recomputed_one_wherever_the_fields_are() =>
        Gen.Select(Gen.Byte.Array[12, 60], Gen.Select(Gen.Int[0, 56], Values, Gen.Bool).Array[1, 12]).Sample((bytes, changes) =>
        {
            // The word 1 keeps the sum from being 0, which no sum of a header is.
            byte[] rest = bytes.Length % 2 == 0 ? [0, 1] : [0, 0, 1];
            ushort before = (ushort)~Checksums.Sum([.. bytes, .. rest]);
            ChecksumUpdate update = default;
            foreach ((int where, uint value, bool isLong) in changes)
            {
                int at = where % (bytes.Length - 3);
                if (isLong)
                {
                    update.Replace32(bytes, at, value);
                }
                else
                {
                    update.Replace16(bytes, at, (ushort)value);
                }
            }

            Assert.That(update.Update(before), Is.EqualTo((ushort)~Checksums.Sum([.. bytes, .. rest])));
        });

    [Test]
    public void A_field_is_written_in_network_byte_order()
    {
        byte[] bytes = new byte[9];
        ChecksumUpdate update = default;
        update.Replace32(bytes, 3, 0x01020304);
        update.ApplyTo(bytes, 0);
        Assert.That(BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(3)), Is.EqualTo(0x01020304));
        // 01 is the second byte of a word, 02 03 are the next word, and 04 is the first byte of the one behind it.
        Assert.That(BinaryPrimitives.ReadUInt16BigEndian(bytes), Is.EqualTo(0xFFFF - (0x0001 + 0x0203 + 0x0400)));
    }
}
