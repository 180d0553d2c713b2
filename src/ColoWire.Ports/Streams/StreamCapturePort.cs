// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Runtime.CompilerServices;
using System.Threading;
using ColoWire.Engine;
using ColoWire.Engine.Frames;

namespace ColoWire.Ports.Streams;

/// <summary>
/// Receives frames from a socket in the format in which QEMU's filter-mirror and filter-redirector send them
/// (<see cref="StreamFormat"/>). A frame for which no slot is free stays in the socket, so that the sender waits: only a
/// connection that breaks loses frames.
/// </summary>
public sealed unsafe class StreamCapturePort : StreamPort, ICapturePort, IWaitable
{
    /// <summary>A header length that is greater than any frame: the engine then finds the frame malformed.</summary>
    private const int ImpossibleHeader = int.MaxValue;

    private readonly StreamInput input;
    private readonly CaptureTally tally = new();
    private bool holdsFrame;

    /// <summary>Connects in the background, or listens.</summary>
    /// <param name="endpoint">Where.</param>
    /// <param name="hasVnetHeaders">Whether frames have virtio-net headers (<c>vnet_hdr_support</c>).</param>
    /// <exception cref="PortException">The endpoint cannot be listened at.</exception>
    public StreamCapturePort(StreamEndpoint endpoint, bool hasVnetHeaders = false)
        : base(endpoint) =>
        input = new StreamInput(hasVnetHeaders);

    /// <inheritdoc/>
    public int WaitHandle => Channel.WaitHandle;

    /// <inheritdoc/>
    public bool HasLink => Channel.IsConnected;

    /// <summary>Whether whole frames were received and not yet handed on. Their sender does not have them any more, so at a stop
    /// they still are. Any thread may read it.</summary>
    public bool HasHandedOver => Volatile.Read(ref holdsFrame);

    /// <inheritdoc/>
    public int VnetHeaderBytes { get; private set; }

    /// <inheritdoc/>
    public CaptureStatistics Statistics => tally.Statistics;

    /// <inheritdoc/>
    public int Receive(SlotPool pool, Span<FrameRef> batch, long nowNs)
    {
        ArgumentNullException.ThrowIfNull(pool);
        if (input.Content != StreamContent.Frame && !TryRead())
        {
            return 0;
        }

        // VnetHeaderBytes holds for a whole batch, so a batch ends where the length of the header changes.
        uint header = input.VnetHeaderBytes;
        VnetHeaderBytes = StreamFormat.IsVnetHeader(header) ? (int)header : ImpossibleHeader;
        int taken = 0;
        for (int seen = 0; seen < batch.Length && input.Content == StreamContent.Frame && input.VnetHeaderBytes == header; seen++)
        {
            if (!TryDeliver(pool, nowNs, out batch[taken]))
            {
                break;
            }

            taken += batch[taken].IsNone ? 0 : 1;
        }

        Volatile.Write(ref holdsFrame, input.Content == StreamContent.Frame);
        return taken;
    }

    /// <summary>Closes the connection. The port's thread must have ended.</summary>
    public void Dispose() => Channel.Dispose();

    /// <summary>Copies the next frame with its virtio-net header into a slot, or counts it where it cannot be carried.</summary>
    /// <returns>False when no slot is free.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryDeliver(SlotPool pool, long nowNs, out FrameRef frameRef)
    {
        int length = (int)input.Length;
        // A header that is longer than the whole frame is not skipped: the engine finds the frame malformed.
        int headerBytes = VnetHeaderBytes <= length ? VnetHeaderBytes : 0;
        int frameBytes = length - headerBytes;
        int longest = pool.Arena.LargeSlotsPerSide != 0
            ? EngineLimits.MaxFrameBytes
            : EngineLimits.SmallSlotBytes - StreamFormat.FrameOffset;
        if (frameBytes > longest)
        {
            frameRef = FrameRef.None;
            _ = tally.NextNumber();
            tally.Oversize();
            input.Remove();
            return true;
        }

        if (!pool.TryTake(StreamFormat.FrameOffset + frameBytes, out frameRef))
        {
            return false;
        }

        byte* slot = pool.Arena.Pointer(frameRef);
        slot[0] = (byte)headerBytes;
        Unsafe.CopyBlockUnaligned(slot + StreamFormat.FrameOffset - headerBytes, input.Bytes, (uint)length);
        ref Frame frame = ref pool.Arena[frameRef];
        frame.Offset = (ushort)(StreamFormat.FrameOffset - headerBytes);
        frame.Length = length;
        frame.ArrivalNs = nowNs;
        frame.Number = tally.NextNumber();
        tally.Delivered(1, frameBytes);
        input.Remove();
        return true;
    }

    /// <returns>Whether a whole frame is there now.</returns>
    private bool TryRead()
    {
        if (!Channel.IsConnected)
        {
            // Nothing is read at this poll: the engine must see the link up before the first frame, which is to be compared.
            _ = Channel.TryTakeOver();
            return false;
        }

        if (input.Content != StreamContent.BadLength)
        {
            Read();
        }

        if (input.Content == StreamContent.BadLength)
        {
            _ = tally.NextNumber();
            tally.BadLength();
            GiveUp(
                $"a frame of {input.Length} bytes was announced, {StreamFormat.MaxLength} are possible "
                + "(is vnet_hdr_support the same at both ends?)");
        }

        return input.Content == StreamContent.Frame;
    }

    private void Read()
    {
        input.MakeRoom();
        int received = Channel.Receive(input.Room, input.RoomBytes, out string? loss);
        if (received > 0)
        {
            input.Received(received);
        }
        else if (loss is not null)
        {
            if (input.HasPart)
            {
                _ = tally.NextNumber();
                tally.Truncated();
            }

            GiveUp(loss);
        }
    }

    /// <summary>Forgets the part of a frame: the next connection begins with a whole one.</summary>
    private void GiveUp(string reason)
    {
        input.Clear();
        Channel.GiveUp(reason);
    }
}
