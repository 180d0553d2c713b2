// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Runtime.InteropServices;
using ColoWire.Engine;
using ColoWire.Engine.Frames;
using ColoWire.Ports.Linux;

namespace ColoWire.Ports.Xdp;

/// <summary>
/// Sends frames from the slots in which they lie, by their descriptors alone: into the transmit ring, one kick for each batch, and out
/// of the completion ring when they have left.
/// </summary>
public sealed class XdpInjectPort : IInjectPort, ILinkReporter, IKeptPort
{
    /// <summary>Bytes of a frame beyond the MTU that the kernel forwards: the Ethernet header and one VLAN tag (is_skb_forwardable).</summary>
    private const int HeaderBytes = 14 + 4;

    /// <summary>Kicks for one batch at most: a kick that copies sends 32 frames, and a batch has 64. What is left then is kicked at the
    /// next poll, so that a queue that does not drain never keeps the core.</summary>
    private const int MaxKicks = 4;

    private readonly string interfaceName;
    private readonly PortKeeper<XdpSocket> keeper;
    private readonly HandleExchange<XdpSocket> exchange;
    private readonly LinkWatch link;
    private readonly SlotSet outstanding;
    private readonly SendPatience patience;
    private readonly InjectTally tally = new();
    private XdpSocket? socket;
    private int refused;

    internal XdpInjectPort(string interfaceName, int queue, Umem umem, XdpOptions options, int sendRetryMs)
    {
        this.interfaceName = interfaceName;
        patience = new SendPatience(sendRetryMs);
        outstanding = new SlotSet(umem.Arena);
        keeper = new PortKeeper<XdpSocket>(interfaceName, () => XdpSocket.OpenForTransmit(interfaceName, queue, umem, options));
        exchange = keeper.Exchange;
        socket = exchange.Current;
        link = new LinkWatch(socket!.InterfaceIndex, keeper.Questions);
    }

    /// <inheritdoc/>
    public string Name => $"xdp:{interfaceName}";

    /// <inheritdoc/>
    public LinkState Link => link.State;

    /// <inheritdoc/>
    public string? Trouble => keeper.Trouble;

    /// <inheritdoc/>
    public string? CalledNow => keeper.CalledNow;

    IPortKeeper IKeptPort.Keeper => keeper;

    /// <summary>Whether the driver reads from the slots itself.</summary>
    public bool IsZeroCopy => socket?.IsZeroCopy == true;

    /// <inheritdoc/>
    public InjectStatistics Statistics => tally.Statistics;

    /// <inheritdoc/>
    public int Inject(FrameArena arena, ReadOnlySpan<FrameRef> frames, long nowNs)
    {
        ArgumentNullException.ThrowIfNull(arena);
        if (exchange.HasNews)
        {
            ChangeOver();
        }

        link.Poll(nowNs);
        int taken = frames.Length == 0 ? 0 : Put(arena, frames, nowNs);
        if (outstanding.Count != 0 && socket is not null)
        {
            Kick(socket);
        }

        return taken;
    }

    /// <inheritdoc/>
    public int Reclaim(Span<FrameRef> frames)
    {
        int lost = tally.Reclaim(frames);
        if (outstanding.Count == 0 || lost == frames.Length)
        {
            return lost;
        }

        if (socket is null)
        {
            return lost + BringHome(frames[lost..]);
        }

        ConsumerRing<ulong> ring = socket.Completion;
        uint done = ring.Peek((uint)(frames.Length - lost));
        if (done == 0)
        {
            return lost;
        }

        for (uint i = 0; i < done; i++)
        {
            FrameRef sent = Umem.Slot(ring[i]);
            frames[lost + (int)i] = sent;
            outstanding.Remove(sent);
        }

        ring.Release(done);
        // A frame that the driver refused is completed like the others.
        int failed = Math.Min(refused, (int)done);
        refused -= failed;
        tally.Left((int)done - failed, failed, link.State);
        return lost + (int)done;
    }

    /// <inheritdoc/>
    public bool Keeps(FrameRef slot) => outstanding.Has(slot);

    /// <inheritdoc/>
    public int Abandon() => outstanding.Count;

    /// <summary>Closes the port. Its thread must have ended.</summary>
    public void Dispose()
    {
        keeper.Dispose();
    }

    /// <summary>Lets go of an interface that is gone, or takes the one that is back: in either case when nothing is to be fetched any more of
    /// what was there before.</summary>
    private void ChangeOver()
    {
        bool hasRest = socket is null ? outstanding.Count != 0 : socket.Completion.Peek(1) != 0;
        if (hasRest)
        {
            return;
        }

        bool hasSocket = exchange.Change();
        socket = exchange.Current;
        refused = 0;
        if (hasSocket)
        {
            link.Follow(socket!.InterfaceIndex);
        }
        else
        {
            link.Lose();
        }
    }

    /// <summary>The frames that the kernel had when the interface was removed are lost; now that the socket is closed it does not read them any
    /// more.</summary>
    private int BringHome(Span<FrameRef> room)
    {
        int count = exchange.IsClosed ? outstanding.Take(room) : 0;
        tally.Left(0, count, LinkState.Gone);
        return count;
    }

    private int Put(FrameArena arena, ReadOnlySpan<FrameRef> frames, long nowNs)
    {
        ProducerRing<XdpAbi.Descriptor>? ring = socket?.Transmit;
        // Every descriptor in flight comes back by the completion ring, which is as long as this one.
        uint room = ring is null ? 0 : Math.Min(ring.Reserve((uint)frames.Length), ring.Size - (uint)outstanding.Count);
        int longest = Math.Min(link.Mtu + HeaderBytes, EngineLimits.SmallSlotBytes);
        uint put = 0;
        long bytes = 0;
        int taken = 0;
        for (; taken < frames.Length && tally.Room != 0; taken++)
        {
            FrameRef frameRef = frames[taken];
            ref Frame frame = ref arena[frameRef];
            if (ring is null || link.State != LinkState.Up)
            {
                // The kernel would take the frame and drop it in silence.
                tally.LostLinkDown(frameRef);
            }
            else if (frame.Length > longest)
            {
                tally.LostTooLong(frameRef);
            }
            else if (put < room)
            {
                ring[put] = new XdpAbi.Descriptor { Address = Umem.Address(frameRef, frame.Offset), Length = (uint)frame.Length };
                outstanding.Add(frameRef);
                put++;
                bytes += frame.Length;
            }
            else if (patience.MayWait(nowNs))
            {
                tally.Retry();
                break;
            }
            else
            {
                tally.LostFailed(frameRef);
            }
        }

        if (put != 0)
        {
            patience.Progress();
            ring!.Submit(put);
            tally.Handed(bytes);
        }

        return taken;
    }

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
                    // It has sent as many as it sends in one go, or the driver's queue is full.
                    break;
                case Libc.Busy:
                    // The driver did not want one frame, and it is gone.
                    refused++;
                    break;
                default:
                    // Switched off, or short of memory: the next poll tries again, and the link is looked at.
                    return;
            }
        }
    }
}
