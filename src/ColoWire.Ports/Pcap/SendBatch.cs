// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Runtime.CompilerServices;
using ColoWire.Engine.Frames;
using ColoWire.Ports.Linux;

namespace ColoWire.Ports.Pcap;

/// <summary>Sends frames on a packet socket, up to <see cref="PortLimits.SendFrames"/> in one system call
/// (sendmmsg(2)).</summary>
internal sealed unsafe class SendBatch
{
    private int socket;
    private readonly Libc.BatchMessage* messages;
    private readonly Libc.MessagePart* parts;
    // The memory of the two pointers; pinned, so that the addresses stay valid.
    private readonly Libc.BatchMessage[] messageMemory;
    private readonly Libc.MessagePart[] partMemory;

    /// <summary>Uses a socket that is bound to its interface and non-blocking.</summary>
    public SendBatch(int socket)
    {
        this.socket = socket;
        messageMemory = GC.AllocateArray<Libc.BatchMessage>(PortLimits.SendFrames, pinned: true);
        partMemory = GC.AllocateArray<Libc.MessagePart>(PortLimits.SendFrames, pinned: true);
        messages = (Libc.BatchMessage*)Unsafe.AsPointer(ref messageMemory[0]);
        parts = (Libc.MessagePart*)Unsafe.AsPointer(ref partMemory[0]);
        for (int i = 0; i < PortLimits.SendFrames; i++)
        {
            messages[i].Header = new Libc.MessageHeader { Parts = parts + i, PartCount = 1 };
        }
    }

    /// <summary>Uses another socket from now on.</summary>
    public void Use(int anotherSocket) => socket = anotherSocket;

    /// <summary>Sends frames from the front.</summary>
    /// <param name="arena">Where they lie.</param>
    /// <param name="frames">One or more; those beyond <see cref="PortLimits.SendFrames"/> are for the next call.</param>
    /// <param name="bytes">Bytes of the frames that were sent.</param>
    /// <returns>How many were sent; -1, with the C library's error number, when the first one could not be. The error of a later
    /// frame shows when the caller sends from that frame on.</returns>
    public int Send(FrameArena arena, ReadOnlySpan<FrameRef> frames, out long bytes)
    {
        int count = Math.Min(frames.Length, PortLimits.SendFrames);
        for (int i = 0; i < count; i++)
        {
            parts[i] = new Libc.MessagePart { Bytes = arena.Pointer(frames[i]), Length = (nuint)arena[frames[i]].Length };
        }

        int sent = Libc.SendMessages(socket, messages, (uint)count, 0);
        bytes = 0;
        for (int i = 0; i < sent; i++)
        {
            bytes += (long)parts[i].Length;
        }

        return sent;
    }
}
