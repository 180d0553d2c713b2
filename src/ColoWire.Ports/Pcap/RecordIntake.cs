// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using ColoWire.Engine;
using ColoWire.Engine.Frames;

namespace ColoWire.Ports.Pcap;

/// <summary>What has become of a record.</summary>
internal enum IntakeResult
{
    /// <summary>It was copied into a slot.</summary>
    Delivered,

    /// <summary>It cannot be carried; it was counted and is gone.</summary>
    Refused,

    /// <summary>No slot is free; the record is kept for the next try.</summary>
    NoSlot,
}

/// <summary>
/// The one record that a port has read from libpcap and not yet handed on, and the copy of it into a slot. The record stays where
/// libpcap put it: that memory is valid until the next record is read.
/// </summary>
/// <param name="tally">Numbers and counts the records.</param>
internal sealed unsafe class RecordIntake(CaptureTally tally)
{
    private PacketHeader* header;
    private byte* bytes;

    /// <summary>Whether a record is held.</summary>
    public bool HasRecord => header != null;

    /// <summary>Timestamp of the held record in nanoseconds since 1970, where the device was opened in that resolution.</summary>
    public long TimestampNs => header->TimestampNs;

    /// <summary>Takes the record that libpcap has just read, and numbers it.</summary>
    public void Hold(nint packetHeader, nint packetBytes)
    {
        Debug.Assert(header == null, "the previous record was handed on");
        header = (PacketHeader*)packetHeader;
        bytes = (byte*)packetBytes;
        _ = tally.NextNumber();
    }

    /// <summary>Copies the held record out of memory that libpcap lends only for the time of a callback.</summary>
    /// <param name="memory">Pinned, with room for a header and <see cref="EngineLimits.MaxFrameBytes"/>: a longer record is never
    /// held.</param>
    public void MoveTo(byte[] memory)
    {
        PacketHeader* newHeader = (PacketHeader*)Unsafe.AsPointer(ref memory[0]);
        byte* newBytes = (byte*)(newHeader + 1);
        *newHeader = *header;
        new ReadOnlySpan<byte>(bytes, (int)header->CapturedLength).CopyTo(memory.AsSpan(sizeof(PacketHeader)));
        header = newHeader;
        bytes = newBytes;
    }

    /// <summary>Copies the held record into a slot.</summary>
    /// <param name="pool">The free slots.</param>
    /// <param name="arrivalNs">The time of arrival that the frame gets, in nanoseconds of the engine's clock.</param>
    /// <param name="frameRef">The slot; none where the record was not delivered.</param>
    public IntakeResult Deliver(SlotPool pool, long arrivalNs, out FrameRef frameRef)
    {
        frameRef = FrameRef.None;
        uint length = header->CapturedLength;
        if (header->WireLength > EngineLimits.MaxFrameBytes || length > EngineLimits.MaxFrameBytes)
        {
            tally.Oversize();
            header = null;
            return IntakeResult.Refused;
        }

        if (length < header->WireLength)
        {
            tally.Truncated();
            header = null;
            return IntakeResult.Refused;
        }

        if (!pool.TryTake((int)length, out frameRef))
        {
            return IntakeResult.NoSlot;
        }

        new ReadOnlySpan<byte>(bytes, (int)length).CopyTo(pool.Arena.SlotBytes(frameRef));
        ref Frame frame = ref pool.Arena[frameRef];
        frame.ArrivalNs = arrivalNs;
        frame.Number = tally.LastNumber;
        header = null;
        tally.Delivered(1, length);
        return IntakeResult.Delivered;
    }
}
