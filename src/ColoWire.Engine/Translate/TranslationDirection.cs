// SPDX-License-Identifier: GPL-2.0-or-later

using ColoWire.Engine.Wire;

namespace ColoWire.Engine.Translate;

/// <summary>
/// A direction of translation: which fields of a TCP segment contain numbers of the guest, and how a number changes.
/// </summary>
internal interface ITranslationDirection
{
    /// <summary>The offset in the TCP header of the 32-bit number that belongs to the guest's stream.</summary>
    static abstract int NumberOffset { get; }

    /// <summary>The TCP flags without which the segment contains no valid number of the guest.</summary>
    static abstract byte RequiredFlags { get; }

    /// <summary>The offset in the timestamps option of the 32-bit timestamp that belongs to the guest.</summary>
    static abstract int TimestampOffset { get; }

    /// <summary>Whether the SACK blocks are ranges of the guest's stream.</summary>
    static abstract bool TranslatesSack { get; }

    /// <summary>Converts a number of the world to one of the replica, or back.</summary>
    /// <param name="number">The number, modulo 2^32.</param>
    /// <param name="offset">The replica's number less the world's.</param>
    static abstract uint Shift(uint number, uint offset);

    /// <summary>Converts a timestamp of the guest.</summary>
    /// <param name="timestamp">The timestamp.</param>
    /// <param name="offset">The replica's timestamp less the world's.</param>
    /// <param name="bound">The limit of the result: see <see cref="FrameTranslator.ToReplica"/> and
    /// <see cref="FrameTranslator.ToWorld"/>.</param>
    static abstract uint ShiftTimestamp(uint timestamp, uint offset, uint? bound);
}

/// <summary>
/// From a client to a replica. The client acknowledges the guest's stream and echoes the guest's timestamps; its sequence number
/// and its own timestamp belong to the client. The fields with numbers of the guest are valid only in segments with ACK
/// (RFC 9293 section 3.1, RFC 2018 section 3, RFC 7323 section 3.2). So a RST without ACK contains none.
/// </summary>
internal readonly struct InboundDirection : ITranslationDirection
{
    /// <inheritdoc/>
    public static int NumberOffset => Tcp.AckOffset;

    /// <inheritdoc/>
    public static byte RequiredFlags => Tcp.Ack;

    /// <inheritdoc/>
    public static int TimestampOffset => Tcp.TimestampEchoOffset;

    /// <inheritdoc/>
    public static bool TranslatesSack => true;

    /// <inheritdoc/>
    public static uint Shift(uint number, uint offset) => number + offset;

    /// <summary>
    /// Converts an echoed timestamp. It does not exceed the bound, because a host discards the echo of a timestamp that it has
    /// not sent yet (Linux in SYN-SENT: tcp_rcv_synsent_state_process). 0 stays 0: it means that nothing is echoed (RFC 7323
    /// section 3.2).
    /// </summary>
    public static uint ShiftTimestamp(uint timestamp, uint offset, uint? bound) =>
        timestamp == 0 ? 0
        : bound is { } greatest ? TcpSequence.Earlier(Shift(timestamp, offset), greatest) : Shift(timestamp, offset);
}

/// <summary>
/// From a replica to the world. The sequence number and the timestamp belong to the guest; the acknowledgment, the SACK blocks
/// and the echoed timestamp belong to the client.
/// </summary>
internal readonly struct OutboundDirection : ITranslationDirection
{
    /// <inheritdoc/>
    public static int NumberOffset => Tcp.SequenceOffset;

    /// <inheritdoc/>
    public static byte RequiredFlags => 0;

    /// <inheritdoc/>
    public static int TimestampOffset => Tcp.TimestampValueOffset;

    /// <inheritdoc/>
    public static bool TranslatesSack => false;

    /// <inheritdoc/>
    public static uint Shift(uint number, uint offset) => number - offset;

    /// <summary>
    /// Converts a timestamp of the guest. It is not before the bound, because clients discard segments whose timestamp is before
    /// one that they have received (PAWS, RFC 7323 section 5.2).
    /// </summary>
    public static uint ShiftTimestamp(uint timestamp, uint offset, uint? bound) =>
        bound is { } greatest ? TcpSequence.Later(Shift(timestamp, offset), greatest) : Shift(timestamp, offset);
}
