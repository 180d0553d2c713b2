// SPDX-License-Identifier: GPL-2.0-or-later

namespace ColoWire.Engine.Translate;

/// <summary>
/// The difference between the numbers that a replica uses on one TCP connection and those that the world has seen on it (R12).
/// Each replica chooses its own initial sequence number (RFC 9293 section 3.4.1) and its own timestamp clock (RFC 7323 section
/// 5.4), and the world has seen those of the replica that sent first.
/// </summary>
/// <param name="SequenceOffset">The number, modulo 2^32, that is added to a sequence number of the world to get the replica's.
/// It applies to the numbers of the guest's stream; the client's stream has the same numbers everywhere.</param>
/// <param name="TimestampOffset">The number, modulo 2^32, that is added to a timestamp of the guest as the world has seen it to
/// get the replica's; it has no meaning unless <paramref name="HasTimestampOffset"/> is set.</param>
/// <param name="HasTimestampOffset">Whether the timestamp offset is known. Without it timestamps stay as they are.</param>
internal readonly record struct Translation(uint SequenceOffset, uint TimestampOffset, bool HasTimestampOffset)
{
    /// <summary>Whether the replica uses the numbers of the world, so that no frame changes.</summary>
    public bool IsIdentity => SequenceOffset == 0 && (TimestampOffset == 0 || !HasTimestampOffset);
}
