// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Threading;
using ColoWire.Engine;
using ColoWire.Engine.Frames;

namespace ColoWire.Ports.Pcap;

/// <summary>What has become of a record.</summary>
internal enum IntakeResult
{
    /// <summary>It lies in a slot.</summary>
    Delivered,

    /// <summary>It cannot be carried: counted, gone.</summary>
    Refused,

    /// <summary>No slot is free: it stays.</summary>
    NoSlot,
}

/// <summary>
/// The one record that a port has read from libpcap and not yet handed on, how it gets into a slot, and what was counted on the way.
/// The record stays where libpcap put it: that memory is valid until the next one is read.
/// </summary>
internal sealed unsafe class RecordIntake
{
    private PacketHeader* header;
    private byte* bytes;
    private uint number;
    private long frames;
    private long byteCount;
    private long kernelDropped;
    private long interfaceDropped;
    private long oversize;
    private long truncated;

    /// <summary>Whether a record waits.</summary>
    public bool HasRecord => header != null;

    /// <summary>Number of the newest record, from 1; those that are refused count too, as in Wireshark.</summary>
    public uint Number => number;

    /// <summary>Time of the waiting record in nanoseconds, where the device was opened in that resolution.</summary>
    public long TimestampNs => header->TimestampNs;

    /// <summary>What was counted; any thread may read it.</summary>
    public CaptureStatistics Statistics => new(
        Volatile.Read(ref frames),
        Volatile.Read(ref byteCount),
        Volatile.Read(ref kernelDropped),
        Volatile.Read(ref interfaceDropped),
        Volatile.Read(ref oversize),
        Volatile.Read(ref truncated));

    /// <summary>Takes over the record that libpcap has just read.</summary>
    public void Hold(nint packetHeader, nint packetBytes)
    {
        Debug.Assert(header == null, "the record before was handed on");
        header = (PacketHeader*)packetHeader;
        bytes = (byte*)packetBytes;
        number++;
    }

    /// <summary>Copies the waiting record to memory that lasts, from memory that libpcap only lends for the time of a callback.</summary>
    /// <param name="memory">Pinned; with room for a header and <see cref="EngineLimits.MaxFrameBytes"/>, for no longer record waits.</param>
    public void MoveTo(byte[] memory)
    {
        PacketHeader* newHeader = (PacketHeader*)Unsafe.AsPointer(ref memory[0]);
        byte* newBytes = (byte*)(newHeader + 1);
        *newHeader = *header;
        new ReadOnlySpan<byte>(bytes, (int)header->CapturedLength).CopyTo(memory.AsSpan(sizeof(PacketHeader)));
        header = newHeader;
        bytes = newBytes;
    }

    /// <summary>Copies the waiting record into a slot.</summary>
    public IntakeResult Deliver(SlotPool pool, long arrivalNs, out FrameRef frameRef)
    {
        frameRef = FrameRef.None;
        uint length = header->CapturedLength;
        if (header->WireLength > EngineLimits.MaxFrameBytes || length > EngineLimits.MaxFrameBytes)
        {
            return Refuse(ref oversize);
        }

        if (length < header->WireLength)
        {
            return Refuse(ref truncated);
        }

        if (!pool.TryTake((int)length, out frameRef))
        {
            return IntakeResult.NoSlot;
        }

        new ReadOnlySpan<byte>(bytes, (int)length).CopyTo(pool.Arena.SlotBytes(frameRef));
        ref Frame frame = ref pool.Arena[frameRef];
        frame.ArrivalNs = arrivalNs;
        frame.Number = number;
        header = null;
        Volatile.Write(ref byteCount, byteCount + length);
        Volatile.Write(ref frames, frames + 1);
        return IntakeResult.Delivered;
    }

    /// <summary>Publishes what was lost before it reached the port.</summary>
    public void SetDrops(long byKernel, long byInterface)
    {
        Volatile.Write(ref kernelDropped, byKernel);
        Volatile.Write(ref interfaceDropped, byInterface);
    }

    private IntakeResult Refuse(ref long counter)
    {
        Volatile.Write(ref counter, counter + 1);
        header = null;
        return IntakeResult.Refused;
    }
}
