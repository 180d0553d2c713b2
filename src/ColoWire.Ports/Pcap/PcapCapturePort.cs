// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Threading;
using ColoWire.Engine;
using ColoWire.Engine.Frames;
using ColoWire.Ports.Linux;

namespace ColoWire.Ports.Pcap;

/// <summary>
/// Captures live from an interface: every frame that arrives there, none that is sent there. A frame's time is the engine's clock
/// when the frame was taken, because the kernel's timestamp follows the wall clock, which steps.
/// </summary>
public sealed class PcapCapturePort : ICapturePort, IWaitable, ILinkReporter, IHandOver, IKeptPort
{
    private readonly string interfaceName;
    private readonly PortKeeper<OpenDevice> keeper;
    private readonly HandleExchange<OpenDevice> exchange;
    private readonly LinkWatch link;
    private readonly RecordIntake intake = new();
    private readonly BatchReader reader;
    private readonly DropCounts drops = new();
    private long nextStatisticsNs = long.MinValue;
    private bool handedOver;
    private bool bypassed;

    /// <summary>Opens an interface.</summary>
    /// <param name="interfaceName">An Ethernet interface that is up.</param>
    /// <param name="bufferMiB">The kernel's buffer; see <see cref="PortLimits.BufferMiB"/>.</param>
    /// <param name="snapLength">Bytes captured of a frame, see <see cref="PortLimits.SnapLength"/>; null for what the MTU needs.</param>
    /// <exception cref="PortException">It cannot be opened.</exception>
    public PcapCapturePort(string interfaceName, int? bufferMiB = null, int? snapLength = null)
    {
        this.interfaceName = interfaceName;
        int buffer = bufferMiB ?? PortLimits.BufferMiB.Default;
        keeper = new PortKeeper<OpenDevice>(interfaceName, () => OpenDevice.OpenForReceive(interfaceName, buffer, snapLength));
        exchange = keeper.Exchange;
        SnapLength = exchange.Current!.SnapLength;
        link = new LinkWatch(exchange.Current.InterfaceIndex, keeper.Questions);
        reader = new BatchReader(intake);
        reader.Use(exchange.Current);
    }

    /// <inheritdoc/>
    public string Name => LiveDevice.NamePrefix + interfaceName;

    /// <summary>Bytes captured of a frame at most; a longer one counts as truncated.</summary>
    public int SnapLength { get; private set; }

    /// <inheritdoc/>
    public int WaitHandle => keeper.WaitHandle;

    /// <inheritdoc/>
    public LinkState Link => link.State;

    /// <inheritdoc/>
    public string? Trouble => keeper.Trouble;

    /// <inheritdoc/>
    public string? CalledNow => keeper.CalledNow;

    /// <inheritdoc/>
    public bool HasLink => link.State == LinkState.Up && !IsBypassed;

    /// <inheritdoc/>
    public bool IsBypassed => Volatile.Read(ref bypassed);

    /// <inheritdoc/>
    public bool HasHandedOver => Volatile.Read(ref handedOver);

    /// <summary>What was counted; the kernel's part of it is up to <see cref="PortLimits.StatisticsCycleNs"/> old.</summary>
    public CaptureStatistics Statistics => intake.Statistics;

    IPortKeeper IKeptPort.Keeper => keeper;

    /// <inheritdoc/>
    public int Receive(SlotPool pool, Span<FrameRef> batch, long nowNs)
    {
        ArgumentNullException.ThrowIfNull(pool);
        link.Poll(nowNs);
        ReadDrops(nowNs);
        // An interface that goes down is no error here, it just delivers nothing until it is up again.
        bool isGood = reader.TryRead(pool, batch, nowNs, out int taken);
        if (!isGood)
        {
            keeper.Fail($"cannot capture from interface '{interfaceName}': {exchange.Current?.Device.LastError}");
            reader.Use(null);
        }

        if (exchange.HasNews && taken == 0)
        {
            ChangeOver();
        }

        return taken;
    }

    void IHandOver.HandOver() => Volatile.Write(ref handedOver, true);

    void IHandOver.SetBypassed(bool value) => Volatile.Write(ref bypassed, value);

    /// <summary>Closes the interface. Its thread must have ended: libpcap crashes when it is closed under one.</summary>
    public void Dispose()
    {
        keeper.Dispose();
        reader.Dispose();
    }

    internal static int SnapLengthFor(int mtu) =>
        Math.Clamp(mtu + PortLimits.LinkHeaderBytes, PortLimits.SnapLength.Default, EngineLimits.MaxFrameBytes);

    /// <summary>What had arrived by the interface was taken to the last: the port lets go of it, or takes the next one.</summary>
    private void ChangeOver()
    {
        ReadDrops(long.MaxValue);
        if (exchange.Change())
        {
            SnapLength = exchange.Current!.SnapLength;
            drops.BeginAnew();
            nextStatisticsNs = long.MinValue;
            link.Follow(exchange.Current.InterfaceIndex);
        }
        else
        {
            link.Lose();
        }

        reader.Use(exchange.Current);
    }

    private void ReadDrops(long nowNs)
    {
        if (nowNs < nextStatisticsNs || exchange.Current is not OpenDevice handle)
        {
            return;
        }

        nextStatisticsNs = nowNs == long.MaxValue ? nowNs : nowNs + PortLimits.StatisticsCycleNs;
        if (Libpcap.Statistics(handle.Device.Handle, out Libpcap.DeviceStatistics now) != Libpcap.Failed)
        {
            drops.Add(now);
            intake.SetDrops(drops.ByKernel, drops.ByInterface);
        }
    }

    /// <summary>Frames lost before they came to the port, out of libpcap's counters, which wrap and begin anew with each device.</summary>
    private sealed class DropCounts
    {
        private Libpcap.DeviceStatistics last;
        private long byInterface;

        public long ByKernel { get; private set; }

        /// <summary>libpcap reads it from sysfs by the name that the interface had when it was opened: while it bears another name, it is told as
        /// 0, and all of it anew when the old name is back. So what counts is the most that it has been.</summary>
        public long ByInterface { get; private set; }

        public void BeginAnew()
        {
            last = default;
            byInterface = ByInterface;
        }

        public void Add(in Libpcap.DeviceStatistics now)
        {
            ByKernel += now.DroppedByKernel - last.DroppedByKernel;
            byInterface += (int)(now.DroppedByInterface - last.DroppedByInterface);
            ByInterface = Math.Max(ByInterface, byInterface);
            last = now;
        }
    }
}
