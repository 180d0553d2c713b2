// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Threading;
using ColoWire.Engine;
using ColoWire.Engine.Frames;
using ColoWire.Ports.Linux;

namespace ColoWire.Ports.Streams;

/// <summary>
/// Receives frames from a socket as QEMU's filter-mirror and filter-redirector send them. What finds no slot stays where it is, and the
/// sender waits: nothing is lost but what a connection that breaks cuts off.
/// </summary>
public sealed unsafe class StreamCapturePort : ICapturePort, IWaitable, ILinkReporter, IPeerReporter
{
    /// <summary>How stream ports are named.</summary>
    public const string NamePrefix = "stream:";

    /// <summary>More than any frame has: what says so has a header that cannot be right.</summary>
    private const int ImpossibleHeader = int.MaxValue;

    private readonly StreamEndpoint endpoint;
    private readonly StreamChannel channel;
    private readonly StreamInput input;
    private uint number;
    private long frames;
    private long byteCount;
    private long oversize;
    private long truncated;
    private long badLengths;
    private bool holdsFrame;

    /// <summary>Connects in the background, or listens.</summary>
    /// <param name="endpoint">Where.</param>
    /// <param name="hasVnetHeaders">Whether frames bear virtio-net headers (<c>vnet_hdr_support</c>).</param>
    /// <exception cref="PortException">Nobody can listen there.</exception>
    public StreamCapturePort(StreamEndpoint endpoint, bool hasVnetHeaders = false)
    {
        this.endpoint = endpoint;
        input = new StreamInput(hasVnetHeaders);
        channel = new StreamChannel(endpoint);
    }

    /// <inheritdoc/>
    public string Name => NamePrefix + endpoint;

    /// <inheritdoc/>
    public int WaitHandle => channel.WaitHandle;

    /// <inheritdoc/>
    public LinkState Link => channel.IsConnected ? LinkState.Up : LinkState.Down;

    /// <inheritdoc/>
    public string Trouble => channel.Trouble;

    /// <inheritdoc/>
    public string? Peer => channel.Peer;

    /// <inheritdoc/>
    public RefusedPeers Refused => channel.Refused;

    /// <inheritdoc/>
    public string Allowed => StreamPeers.Allowed(endpoint);

    /// <inheritdoc/>
    public bool HasLink => channel.IsConnected;

    /// <summary>Whether the sender has got rid of frames that were not handed on: at a stop, these still are.</summary>
    public bool HasHandedOver => Volatile.Read(ref holdsFrame);

    /// <inheritdoc/>
    public int VnetHeaderBytes { get; private set; }

    /// <inheritdoc/>
    public CaptureStatistics Statistics => new(
        Volatile.Read(ref frames), Volatile.Read(ref byteCount), 0, 0, Volatile.Read(ref oversize), Volatile.Read(ref truncated), Volatile.Read(ref badLengths));

    /// <inheritdoc/>
    public int Receive(SlotPool pool, Span<FrameRef> batch, long nowNs)
    {
        ArgumentNullException.ThrowIfNull(pool);
        if (input.Content != StreamContent.Frame && !TryRead())
        {
            return 0;
        }

        // One header's length for a batch: the engine steps over it.
        uint header = input.VnetHeaderBytes;
        VnetHeaderBytes = StreamFormat.IsVnetHeader(header) ? (int)header : ImpossibleHeader;
        int taken = 0;
        for (int looked = 0; looked < batch.Length && input.Content == StreamContent.Frame && input.VnetHeaderBytes == header; looked++)
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

    /// <summary>Closes the connection. Its thread must have ended.</summary>
    public void Dispose() => channel.Dispose();

    /// <summary>Copies the next frame, with its virtio-net header, into a slot, unless it cannot be carried.</summary>
    /// <returns>False when no slot is free.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryDeliver(SlotPool pool, long nowNs, out FrameRef frameRef)
    {
        int length = (int)input.Length;
        // One that is longer than all there is, the engine finds malformed.
        int headerBytes = VnetHeaderBytes <= length ? VnetHeaderBytes : 0;
        int frameBytes = length - headerBytes;
        int longest = pool.Arena.LargeSlotsPerSide != 0 ? EngineLimits.MaxFrameBytes : EngineLimits.SmallSlotBytes - StreamFormat.FrameOffset;
        if (frameBytes > longest)
        {
            frameRef = FrameRef.None;
            CountRefused(ref oversize);
            input.Pass();
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
        frame.Number = ++number;
        Volatile.Write(ref byteCount, byteCount + frameBytes);
        Volatile.Write(ref frames, frames + 1);
        input.Pass();
        return true;
    }

    /// <returns>Whether a whole frame is there now.</returns>
    private bool TryRead()
    {
        if (!channel.IsConnected)
        {
            // Nothing is read yet: that there is a link is to be seen before the first frame, which is compared then.
            _ = channel.TryTakeOver();
            return false;
        }

        if (input.Content != StreamContent.BadLength)
        {
            Read();
        }

        if (input.Content == StreamContent.BadLength)
        {
            Volatile.Write(ref badLengths, badLengths + 1);
            CountRefused(ref oversize);
            GiveUp($"a frame of {input.Length} bytes was announced, {StreamFormat.MaxLength} are possible (is vnet_hdr_support the same at both ends?)");
        }

        return input.Content == StreamContent.Frame;
    }

    private void Read()
    {
        input.MakeRoom();
        nint received = Libc.Receive(channel.Descriptor, input.Room, (nuint)input.RoomBytes, Libc.DoNotWait);
        if (received > 0)
        {
            input.Received((int)received);
        }
        else if (received == 0 || StreamChannel.IsLost(Marshal.GetLastPInvokeError()))
        {
            string reason = received == 0 ? StreamChannel.ClosedByPeer : Marshal.GetLastPInvokeErrorMessage();
            if (input.HasPart)
            {
                CountRefused(ref truncated);
            }

            GiveUp(reason);
        }
    }

    /// <summary>The rest of a frame will not come: the next connection begins with a new one.</summary>
    private void GiveUp(string reason)
    {
        input.Clear();
        channel.GiveUp(reason);
    }

    private void CountRefused(ref long counter)
    {
        number++;
        Volatile.Write(ref counter, counter + 1);
    }
}
