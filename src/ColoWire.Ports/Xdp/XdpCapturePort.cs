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
public sealed class XdpCapturePort : ICapturePort, IWaitable, ILinkReporter, IHandOver
{
    /// <summary>Slots that stay with the pool: fragments are put together in them.</summary>
    private const int ReservedSlots = EngineLimits.BatchFrames;

    private readonly string interfaceName;
    private readonly XdpSocket socket;
    private readonly Umem umem;
    private readonly LinkWatch link;
    private readonly InterfaceDrops? interfaceDrops;
    private readonly int questions;
    private readonly FrameRef[] fresh = new FrameRef[EngineLimits.BatchFrames];
    private long nextStatisticsNs = long.MinValue;
    private int posted;
    private bool handedOver;
    private bool bypassed;
    private uint number;
    private long frames;
    private long byteCount;
    private long kernelDropped;
    private long droppedByInterface;

    internal XdpCapturePort(string interfaceName, int queue, Umem umem, XdpOptions options, bool countsInterface = true)
    {
        this.interfaceName = interfaceName;
        this.umem = umem;
        socket = XdpSocket.OpenForReceive(interfaceName, queue, umem, options);
        questions = InterfaceControl.OpenSocket();
        link = new LinkWatch(InterfaceIndex.Of(interfaceName), questions);
        interfaceDrops = countsInterface ? new InterfaceDrops(interfaceName) : null;
    }

    /// <inheritdoc/>
    public string Name => $"xdp:{interfaceName}";

    /// <inheritdoc/>
    public int WaitHandle => socket.Descriptor;

    /// <inheritdoc/>
    public LinkState Link => link.State;

    /// <inheritdoc/>
    public bool HasLink => link.State == LinkState.Up && !IsBypassed;

    /// <inheritdoc/>
    public bool IsBypassed => Volatile.Read(ref bypassed);

    /// <inheritdoc/>
    public bool HasHandedOver => Volatile.Read(ref handedOver);

    /// <inheritdoc/>
    public int PostedSlots => posted;

    /// <summary>Whether the driver writes into the slots itself.</summary>
    public bool IsZeroCopy => socket.IsZeroCopy;

    /// <summary>What was counted; the kernel's part of it is up to <see cref="PortLimits.StatisticsCycleNs"/> old.</summary>
    public CaptureStatistics Statistics => new(
        Volatile.Read(ref frames),
        Volatile.Read(ref byteCount),
        Volatile.Read(ref kernelDropped),
        Volatile.Read(ref droppedByInterface),
        Oversize: 0,
        Truncated: 0);

    /// <inheritdoc/>
    public int Receive(SlotPool pool, Span<FrameRef> batch, long nowNs)
    {
        ArgumentNullException.ThrowIfNull(pool);
        link.Poll(nowNs);
        ReadDrops(nowNs);
        int taken = Take(batch, nowNs);
        Post(pool);
        return taken;
    }

    void IHandOver.HandOver() => Volatile.Write(ref handedOver, true);

    void IHandOver.SetBypassed(bool value) => Volatile.Write(ref bypassed, value);

    /// <summary>Closes the port. Its thread must have ended.</summary>
    public void Dispose()
    {
        socket.Dispose();
        interfaceDrops?.Dispose();
        _ = Libc.Close(questions);
    }

    private int Take(Span<FrameRef> batch, long nowNs)
    {
        ConsumerRing<XdpAbi.Descriptor> ring = socket.Receive;
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
            // Another core has just written the frame: its first line, which is parsed next, is fetched while the others are taken.
            arena.Prefetch(slot);
        }

        ring.Release((uint)ready);
        posted -= ready;
        Volatile.Write(ref byteCount, byteCount + bytes);
        Volatile.Write(ref frames, frames + ready);
        return ready;
    }

    /// <summary>Fills the fill ring up, in batches: with every frame it would cost the line of its counter.</summary>
    private void Post(SlotPool pool)
    {
        ProducerRing<ulong> ring = socket.Fill;
        while (ring.Reserve((uint)fresh.Length) == fresh.Length && pool.FreeSmall >= fresh.Length + ReservedSlots)
        {
            int count = pool.Take(fresh);
            for (int i = 0; i < count; i++)
            {
                ring[(uint)i] = Umem.Address(fresh[i]);
            }

            ring.Submit((uint)count);
            posted += count;
        }

        if (ring.NeedsWakeup)
        {
            XdpAbi.KickFill(socket.Descriptor);
        }
    }

    private void ReadDrops(long nowNs)
    {
        if (nowNs < nextStatisticsNs)
        {
            return;
        }

        nextStatisticsNs = nowNs + PortLimits.StatisticsCycleNs;
        if (socket.TryGetStatistics(out XdpAbi.Statistics now))
        {
            // ReceiveDropped has those that found no chunk or were too long for one, ReceiveRingFull those that found no entry.
            Volatile.Write(ref kernelDropped, (long)(now.ReceiveDropped + now.ReceiveRingFull));
        }

        Volatile.Write(ref droppedByInterface, interfaceDrops?.Read() ?? 0);
    }
}
