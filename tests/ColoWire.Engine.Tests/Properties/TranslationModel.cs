// SPDX-License-Identifier: GPL-2.0-or-later

using System.Linq;
using ColoWire.Engine.Tests.Bench;
using ColoWire.Engine.Translate;

namespace ColoWire.Engine.Tests.Properties;

/// <summary>
/// A TCP segment as what it means, from which its bytes are made: the slow and obvious reference of the translation. The checksum
/// is computed anew for each.
/// </summary>
/// <param name="Segment">The segment without its options and its checksum.</param>
/// <param name="Options">The options, in order.</param>
/// <param name="Extensions">The IPv6 extension headers.</param>
/// <param name="ChecksumError">The number by which the checksum is wrong.</param>
internal sealed record TranslationModel(Segment Segment, ModelOption[] Options, byte[] Extensions, int ChecksumError)
{
    /// <summary>The segment as the replica gets it.</summary>
    public TranslationModel ToReplica(Translation translation, uint greatest) =>
        translation.IsIdentity || !Segment.HasAck ? this : this with
        {
            Segment = Segment with { Ack = Segment.Ack + translation.SequenceOffset },
            Options = [.. Options.Select(option => option.ToReplica(translation, greatest))],
        };

    /// <summary>The segment as the world gets it.</summary>
    public TranslationModel ToWorld(Translation translation, uint greatest) =>
        translation.IsIdentity ? this : this with
        {
            Segment = Segment with { Sequence = Segment.Sequence - translation.SequenceOffset },
            Options = [.. Options.Select(option => option.ToWorld(translation, greatest))],
        };

    /// <summary>The segment with the sequence number of the replica, as an error quotes it.</summary>
    public TranslationModel Quoted(Translation translation) =>
        this with { Segment = Segment with { Sequence = Segment.Sequence + translation.SequenceOffset } };

    public byte[] Bytes()
    {
        byte[] list = [.. Options.SelectMany(option => option.Bytes())];
        Segment whole = Segment with { Options = [.. list, .. new byte[-list.Length & 3]] };
        ushort checksum = Checksums.Plus(Checksums.Full(whole), ChecksumError);
        return ExtensionHeaders.Insert(Checksums.With(whole, checksum).Bytes(), whole.Vlans.Length, Extensions);
    }
}

/// <summary>A TCP option that contains no number of the guest.</summary>
internal record ModelOption(params byte[] Content)
{
    public virtual byte[] Bytes() => Content;

    public virtual ModelOption ToReplica(Translation translation, uint greatest) => this;

    public virtual ModelOption ToWorld(Translation translation, uint greatest) => this;

    protected static byte[] BigEndian(uint number) =>
        [(byte)(number >> 24), (byte)(number >> 16), (byte)(number >> 8), (byte)number];
}

/// <summary>SACK blocks (RFC 2018).</summary>
internal sealed record ModelSack(uint[] Edges) : ModelOption()
{
    public override byte[] Bytes() => [5, (byte)(2 + (4 * Edges.Length)), .. Edges.SelectMany(BigEndian)];

    public override ModelOption ToReplica(Translation translation, uint greatest) =>
        new ModelSack([.. Edges.Select(edge => edge + translation.SequenceOffset)]);
}

/// <summary>Timestamps (RFC 7323).</summary>
internal sealed record ModelTimestamps(uint Value, uint Echo) : ModelOption()
{
    public override byte[] Bytes() => [8, 10, .. BigEndian(Value), .. BigEndian(Echo)];

    public override ModelOption ToReplica(Translation translation, uint greatest) =>
        !translation.HasTimestampOffset || Echo == 0 ? this
        : this with { Echo = Earlier(Echo + translation.TimestampOffset, greatest) };

    public override ModelOption ToWorld(Translation translation, uint greatest) =>
        !translation.HasTimestampOffset ? this : this with { Value = Later(Value - translation.TimestampOffset, greatest) };

    private static uint Earlier(uint left, uint right) => (int)(left - right) <= 0 ? left : right;

    private static uint Later(uint left, uint right) => Earlier(left, right) == left ? right : left;
}
