// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine;
using ColoWire.Engine.Frames;
using ColoWire.Ports.Linux;

namespace ColoWire.Ports.Xdp;

/// <summary>
/// Takes the frames of one receive queue from the kernel without a copy by this process: the kernel writes each frame into the
/// slot in which it is compared, held and sent (Documentation/networking/af_xdp.rst). Free slots go into the fill ring, received
/// frames come out of the receive ring. The memory barriers are in <see cref="ProducerRing{T}"/> and
/// <see cref="ConsumerRing{T}"/>.
/// </summary>
public sealed class XdpCapturePort : LiveCapturePort, ICapturePort
{
    /// <summary>Bytes of the longest frame that a port takes, with its Ethernet header.</summary>
    public const int MaxFrameBytes = Umem.MaxFrameBytes;

    /// <summary>Slots that stay in the pool: the engine assembles fragments in them.</summary>
    private const int ReservedSlots = EngineLimits.BatchFrames;

    private readonly InterfaceLink<XdpSocket> link;
    private readonly FrameArena arena;
    private readonly SlotSet posted;
    private readonly FrameRef[] fresh = new FrameRef[EngineLimits.BatchFrames];
    private readonly CaptureTally tally = new();
    private Cycle statisticsCycle = new(PortLimits.StatisticsCycleNs);

    internal XdpCapturePort(XdpSocketSource source)
        : base(XdpSocket.NamePrefix + source.InterfaceName)
    {
        arena = source.Umem.Arena;
        posted = new SlotSet(arena);
        link = new InterfaceLink<XdpSocket>(source.InterfaceName, source.Open);
    }

    /// <inheritdoc/>
    public int PostedSlots => posted.Count;

    /// <inheritdoc/>
    public bool Keeps(FrameRef slot) => posted.Has(slot);

    /// <summary>Whether the driver itself writes into the slots (XDP_OPTIONS_ZEROCOPY); else the kernel copies.</summary>
    public bool IsZeroCopy => link.Handle?.IsZeroCopy == true;

    /// <summary>What was counted. The kernel's part of it is at most <see cref="PortLimits.StatisticsCycleNs"/> old.</summary>
    public CaptureStatistics Statistics => tally.Statistics;

    private protected override IInterfaceLink Interface => link;

    /// <inheritdoc/>
    public int Receive(SlotPool pool, Span<FrameRef> batch, long nowNs)
    {
        ArgumentNullException.ThrowIfNull(pool);
        link.Poll(nowNs);
        if (statisticsCycle.IsDue(nowNs))
        {
            ReadDrops();
        }

        int taken = link.Handle is null ? 0 : Take(link.Handle.Receive, batch, nowNs);
        if (link.IsClosed)
        {
            ReturnPosted(pool);
        }

        // Only when all frames that had arrived on the old socket were taken.
        if (link.MustChange && taken == 0)
        {
            ReadDrops();
            tally.HandleReplaced();
            statisticsCycle.Restart();
            _ = link.ChangeHandle();
        }

        if (link.Handle is not null)
        {
            Post(link.Handle, pool);
        }

        return taken;
    }

    /// <summary>Closes the port. The port's thread must have ended.</summary>
    public void Dispose() => link.Dispose();

    /// <summary>Returns the slots that the kernel had when the interface was removed. The socket is closed, so the kernel does
    /// not write to them any more.</summary>
    private void ReturnPosted(SlotPool pool)
    {
        while (posted.Take(fresh) is not 0 and int count)
        {
            pool.Return(fresh, count);
        }
    }

    private int Take(ConsumerRing<XdpAbi.Descriptor> ring, Span<FrameRef> batch, long nowNs)
    {
        int ready = (int)ring.Peek((uint)batch.Length);
        if (ready == 0)
        {
            return 0;
        }

        long bytes = 0;
        for (int i = 0; i < ready; i++)
        {
            ref readonly XdpAbi.Descriptor received = ref ring[(uint)i];
            FrameRef slot = Umem.Slot(received.Address);
            ref Frame frame = ref arena[slot];
            frame.Offset = Umem.Offset(received.Address);
            frame.Length = (int)received.Length;
            frame.Number = tally.NextNumber();
            frame.ArrivalNs = nowNs;
            bytes += received.Length;
            batch[i] = slot;
            posted.Remove(slot);
            // Another core has just written the frame. Its first cache line, which is parsed next, is fetched while the others
            // are taken.
            arena.Prefetch(slot);
        }

        ring.Release((uint)ready);
        tally.Delivered(ready, bytes);
        return ready;
    }

    /// <summary>Refills the fill ring in batches: one frame at a time, each would cost a transfer of the counter's cache
    /// line.</summary>
    private void Post(XdpSocket socket, SlotPool pool)
    {
        ProducerRing<ulong> ring = socket.Fill;
        while (ring.Reserve((uint)fresh.Length) == fresh.Length && pool.FreeSmall >= fresh.Length + ReservedSlots)
        {
            int count = pool.Take(fresh);
            for (int i = 0; i < count; i++)
            {
                ring[(uint)i] = Umem.Address(fresh[i]);
                posted.Add(fresh[i]);
            }

            ring.Submit((uint)count);
        }

        if (ring.NeedsWakeup)
        {
            XdpAbi.KickFill(socket.Descriptor);
        }
    }

    private void ReadDrops()
    {
        if (link.Handle is { } socket)
        {
            tally.SetDrops(socket.ReadDrops());
        }
    }
}
