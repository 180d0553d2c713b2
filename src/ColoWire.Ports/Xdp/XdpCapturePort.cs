// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Threading;
using ColoWire.Engine;
using ColoWire.Engine.Frames;
using ColoWire.Ports.Linux;

namespace ColoWire.Ports.Xdp;

/// <summary>
/// Takes the frames of one queue of an interface from the kernel in the slots where they are compared, held and sent from: no byte is
/// copied here. Free slots go into the fill ring, frames come out of the receive ring.
/// </summary>
public sealed class XdpCapturePort : ICapturePort, IWaitable, ILinkReporter, IHandOver, IKeptPort
{
    /// <summary>Bytes of the longest frame that a port takes, with its Ethernet header.</summary>
    public const int MaxFrameBytes = Umem.MaxFrameBytes;

    /// <summary>Slots that stay with the pool: fragments are put together in them.</summary>
    private const int ReservedSlots = EngineLimits.BatchFrames;

    private readonly string interfaceName;
    private readonly PortKeeper<XdpSocket> keeper;
    private readonly HandleExchange<XdpSocket> exchange;
    private readonly Umem umem;
    private readonly LinkWatch link;
    private readonly SlotSet posted;
    private readonly FrameRef[] fresh = new FrameRef[EngineLimits.BatchFrames];
    private long nextStatisticsNs = long.MinValue;
    private XdpSocket? socket;
    private KernelDrops earlierDrops;
    private KernelDrops drops;
    private bool handedOver;
    private bool bypassed;
    private uint number;
    private long frames;
    private long byteCount;

    internal XdpCapturePort(string interfaceName, int queue, Umem umem, XdpOptions options, bool countsInterface = true)
    {
        this.interfaceName = interfaceName;
        this.umem = umem;
        posted = new SlotSet(umem.Arena);
        keeper = new PortKeeper<XdpSocket>(
            interfaceName, () => XdpSocket.OpenForReceive(interfaceName, queue, umem, options, countsInterface));
        exchange = keeper.Exchange;
        socket = exchange.Current;
        link = new LinkWatch(socket!.InterfaceIndex, keeper.Questions);
    }

    /// <inheritdoc/>
    public string Name => $"xdp:{interfaceName}";

    /// <inheritdoc/>
    public int WaitHandle => keeper.WaitHandle;

    /// <inheritdoc/>
    public LinkState Link => link.State;

    /// <inheritdoc/>
    public string? Trouble => keeper.Trouble;

    /// <inheritdoc/>
    public string? CalledNow => keeper.CalledNow;

    IPortKeeper IKeptPort.Keeper => keeper;

    /// <inheritdoc/>
    public bool HasLink => link.State == LinkState.Up && !IsBypassed;

    /// <inheritdoc/>
    public bool IsBypassed => Volatile.Read(ref bypassed);

    /// <inheritdoc/>
    public bool HasHandedOver => Volatile.Read(ref handedOver);

    /// <inheritdoc/>
    public int PostedSlots => posted.Count;

    /// <inheritdoc/>
    public bool Keeps(FrameRef slot) => posted.Has(slot);

    /// <summary>Whether the driver writes into the slots itself.</summary>
    public bool IsZeroCopy => socket?.IsZeroCopy == true;

    /// <summary>What was counted; the kernel's part of it is up to <see cref="PortLimits.StatisticsCycleNs"/> old.</summary>
    public CaptureStatistics Statistics => new(
        Volatile.Read(ref frames),
        Volatile.Read(ref byteCount),
        Volatile.Read(ref drops.NoRoom),
        Volatile.Read(ref drops.ByInterface),
        Volatile.Read(ref drops.TooLong),
        Truncated: 0);

    /// <inheritdoc/>
    public int Receive(SlotPool pool, Span<FrameRef> batch, long nowNs)
    {
        ArgumentNullException.ThrowIfNull(pool);
        link.Poll(nowNs);
        ReadDrops(nowNs);
        int taken = socket is null ? 0 : Take(socket.Receive, batch, nowNs);
        if (exchange.IsClosed)
        {
            BringHome(pool);
        }

        if (exchange.HasNews && taken == 0)
        {
            ChangeOver();
        }

        if (socket is not null)
        {
            Post(socket, pool);
        }

        return taken;
    }

    void IHandOver.HandOver() => Volatile.Write(ref handedOver, true);

    void IHandOver.SetBypassed(bool value) => Volatile.Write(ref bypassed, value);

    /// <summary>Closes the port. Its thread must have ended.</summary>
    public void Dispose()
    {
        keeper.Dispose();
    }

    /// <summary>What had arrived by the interface was taken to the last: the port lets go of it, or takes the next one.</summary>
    private void ChangeOver()
    {
        ReadDrops(long.MaxValue);
        earlierDrops = drops;
        nextStatisticsNs = long.MinValue;
        bool hasSocket = exchange.Change();
        socket = exchange.Current;
        if (hasSocket)
        {
            link.Follow(socket!.InterfaceIndex);
        }
        else
        {
            link.Lose();
        }
    }

    /// <summary>The slots that the kernel had when the interface was removed; now that the socket is closed it does not write there any more.</summary>
    private void BringHome(SlotPool pool)
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

        FrameArena arena = umem.Arena;
        long bytes = 0;
        for (int i = 0; i < ready; i++)
        {
            ref readonly XdpAbi.Descriptor received = ref ring[(uint)i];
            FrameRef slot = Umem.Slot(received.Address);
            ref Frame frame = ref arena[slot];
            frame.Offset = Umem.Offset(received.Address);
            frame.Length = (int)received.Length;
            frame.Number = ++number;
            frame.ArrivalNs = nowNs;
            bytes += received.Length;
            batch[i] = slot;
            posted.Remove(slot);
            // Another core has just written the frame: its first line, which is parsed next, is fetched while the others are taken.
            arena.Prefetch(slot);
        }

        ring.Release((uint)ready);
        Volatile.Write(ref byteCount, byteCount + bytes);
        Volatile.Write(ref frames, frames + ready);
        return ready;
    }

    /// <summary>Fills the fill ring up, in batches: with every frame it would cost the line of its counter.</summary>
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

    private void ReadDrops(long nowNs)
    {
        if (nowNs < nextStatisticsNs || socket is null)
        {
            return;
        }

        nextStatisticsNs = nowNs == long.MaxValue ? nowNs : nowNs + PortLimits.StatisticsCycleNs;
        if (socket.TryGetStatistics(out XdpAbi.Statistics now))
        {
            // ReceiveDropped has those that found no chunk, which FillRingEmpty has too, and those that are too long for one.
            // ReceiveRingFull has those that found no entry.
            long noChunk = (long)Math.Min(now.ReceiveDropped, now.FillRingEmpty);
            Volatile.Write(ref drops.NoRoom, earlierDrops.NoRoom + noChunk + (long)now.ReceiveRingFull);
            Volatile.Write(ref drops.TooLong, earlierDrops.TooLong + (long)now.ReceiveDropped - noChunk);
        }

        Volatile.Write(ref drops.ByInterface, earlierDrops.ByInterface + (socket.Drops?.Read() ?? 0));
    }

    /// <summary>Frames lost before they came to the port.</summary>
    private struct KernelDrops
    {
        public long NoRoom;
        public long TooLong;
        public long ByInterface;
    }
}
