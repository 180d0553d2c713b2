// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Runtime.InteropServices;
using ColoWire.Engine;
using ColoWire.Engine.Frames;
using ColoWire.Ports.Linux;

namespace ColoWire.Ports.Xdp;

/// <summary>
/// Sends frames from the slots in which they are, without a copy by this process (Documentation/networking/af_xdp.rst).
/// Descriptors go into the transmit ring, one wake-up of the kernel for each batch; slots of frames that were sent come out of
/// the completion ring. The memory barriers are in <see cref="ProducerRing{T}"/> and <see cref="ConsumerRing{T}"/>.
/// </summary>
public sealed class XdpInjectPort : LivePort, IInjectPort, IFrameSender
{
    /// <summary>Bytes of a frame beyond the MTU that the kernel forwards: the Ethernet header and one VLAN tag
    /// (is_skb_forwardable, net/core/dev.c).</summary>
    private const int HeaderBytes = 14 + 4;

    /// <summary>Wake-ups for one batch at most: one sends 32 frames where the kernel copies (TX_BATCH_SIZE, net/xdp/xsk.c), and a
    /// batch has 64. The rest is sent at the next poll, so that a driver's queue that does not drain never keeps the
    /// core.</summary>
    private const int MaxKicks = 4;

    private readonly InterfaceLink<XdpSocket> link;
    private readonly SlotSet outstanding;
    private readonly InjectLoop loop;
    private int refused;

    internal XdpInjectPort(XdpSocketSource source, int sendRetryMs)
        : base(XdpSocket.NamePrefix + source.InterfaceName)
    {
        loop = new InjectLoop(sendRetryMs);
        outstanding = new SlotSet(source.Umem.Arena);
        link = new InterfaceLink<XdpSocket>(source.InterfaceName, source.Open);
    }

    /// <summary>Whether the driver itself reads from the slots (XDP_OPTIONS_ZEROCOPY); else the kernel copies.</summary>
    public bool IsZeroCopy => link.Handle?.IsZeroCopy == true;

    /// <inheritdoc/>
    public int MaxPayloadBytes =>
        Math.Min(link.Mtu is not 0 and int mtu ? mtu : int.MaxValue, EngineLimits.SmallSlotBytes - HeaderBytes);

    /// <inheritdoc/>
    public InjectStatistics Statistics => loop.Tally.Statistics;

    private protected override IInterfaceLink Interface => link;

    /// <inheritdoc/>
    public int Inject(FrameArena arena, ReadOnlySpan<FrameRef> frames, long nowNs)
    {
        ArgumentNullException.ThrowIfNull(arena);
        if (link.MustChange && !HasCompletions)
        {
            _ = link.ChangeHandle();
            refused = 0;
        }

        link.Poll(nowNs);
        int taken = loop.Run(this, arena, frames, nowNs);
        if (outstanding.Count != 0 && link.Handle is not null)
        {
            Kick(link.Handle);
        }

        return taken;
    }

    /// <inheritdoc/>
    public int Reclaim(Span<FrameRef> frames)
    {
        int count = loop.Reclaim(frames);
        if (outstanding.Count == 0 || count == frames.Length)
        {
            return count;
        }

        Span<FrameRef> room = frames[count..];
        return count + (link.Handle is { } socket ? ReclaimSent(socket.Completion, room) : ReclaimRemoved(room));
    }

    /// <inheritdoc/>
    /// <remarks>Which frame the driver has refused is not known: the kernel completes it like the others.</remarks>
    public int ReclaimLost(Span<FrameRef> frames)
    {
        int count = loop.ReclaimLost(frames);
        return count + (link.Handle is null ? ReclaimRemoved(frames[count..]) : 0);
    }

    /// <inheritdoc/>
    public bool Keeps(FrameRef slot) => outstanding.Has(slot);

    /// <inheritdoc/>
    public int Abandon() => outstanding.Count;

    /// <summary>Closes the port. The port's thread must have ended.</summary>
    public void Dispose() => link.Dispose();

    int IFrameSender.Send(FrameArena arena, ReadOnlySpan<FrameRef> frames, long nowNs)
    {
        if (link.Handle is not { } socket || link.State != LinkState.Up)
        {
            // The kernel would accept the frame and drop it without an error.
            return loop.Lose(frames[0], InjectLoss.LinkDown);
        }

        int longest = Math.Min(link.Mtu + HeaderBytes, EngineLimits.SmallSlotBytes);
        if (arena[frames[0]].Length > longest)
        {
            return loop.Lose(frames[0], InjectLoss.TooLong);
        }

        int count = Put(socket.Transmit, arena, frames, longest);
        return count != 0 ? count : loop.WaitOrLose(frames[0], InjectLoss.Failed, nowNs);
    }

    /// <summary>Puts frames into the transmit ring, up to the first one that is too long or finds no room.</summary>
    /// <returns>How many.</returns>
    private int Put(ProducerRing<XdpAbi.Descriptor> ring, FrameArena arena, ReadOnlySpan<FrameRef> frames, int longest)
    {
        // Each descriptor comes back by the completion ring, which has as many entries: the two rings together hold no more
        // frames.
        int room = (int)Math.Min(ring.Reserve((uint)frames.Length), ring.Size - (uint)outstanding.Count);
        int count = 0;
        long bytes = 0;
        while (count < room)
        {
            FrameRef frameRef = frames[count];
            ref Frame frame = ref arena[frameRef];
            if (frame.Length > longest)
            {
                break;
            }

            ulong address = Umem.Address(frameRef, frame.Offset);
            ring[(uint)count] = new XdpAbi.Descriptor { Address = address, Length = (uint)frame.Length };
            outstanding.Add(frameRef);
            bytes += frame.Length;
            count++;
        }

        if (count != 0)
        {
            ring.Submit((uint)count);
            loop.Progress();
            loop.Tally.AddBytes(bytes);
        }

        return count;
    }

    /// <summary>Whether frames of the present socket, or of the one before it, have yet to be reclaimed.</summary>
    private bool HasCompletions => link.Handle is { } socket ? socket.Completion.Peek(1) != 0 : outstanding.Count != 0;

    private int ReclaimSent(ConsumerRing<ulong> ring, Span<FrameRef> room)
    {
        int count = (int)ring.Peek((uint)room.Length);
        if (count == 0)
        {
            return 0;
        }

        for (int i = 0; i < count; i++)
        {
            FrameRef sent = Umem.Slot(ring[(uint)i]);
            room[i] = sent;
            outstanding.Remove(sent);
        }

        ring.Release((uint)count);
        // A frame that the driver refused is completed like the others.
        int failed = Math.Min(refused, count);
        refused -= failed;
        loop.Tally.AddFrames(count - failed);
        loop.Tally.AddLost(link.State == LinkState.Up ? InjectLoss.Failed : InjectLoss.LinkDown, failed);
        return count;
    }

    /// <summary>Reclaims the frames that the kernel had when the interface was removed; they are lost. Not before the socket is
    /// closed: until then the kernel may still read them.</summary>
    private int ReclaimRemoved(Span<FrameRef> room)
    {
        int count = link.IsClosed ? outstanding.Take(room) : 0;
        loop.Tally.AddLost(InjectLoss.LinkDown, count);
        return count;
    }

    /// <summary>Has the kernel send what is in the transmit ring, where it does not do so by itself
    /// (XDP_USE_NEED_WAKEUP).</summary>
    private void Kick(XdpSocket socket)
    {
        ProducerRing<XdpAbi.Descriptor> ring = socket.Transmit;
        for (int kicks = 0; kicks < MaxKicks && ring.HasUnread && ring.NeedsWakeup; kicks++)
        {
            if (XdpAbi.KickTransmit(socket.Descriptor) >= 0)
            {
                return;
            }

            switch (Marshal.GetLastPInvokeError())
            {
                case Libc.TryAgain:
                    // The kernel has sent as many frames as it sends in one call, or the driver's queue is full.
                    break;
                case Libc.Busy:
                    // The driver refused one frame, which the kernel then dropped (__xsk_generic_xmit, net/xdp/xsk.c).
                    refused++;
                    break;
                default:
                    // The interface is down, or memory is short: the next poll tries again, and the link state is read.
                    return;
            }
        }
    }
}
