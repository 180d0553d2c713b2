// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Threading;
using ColoWire.Engine;
using ColoWire.Engine.Frames;
using ColoWire.Ports.Linux;
using SharpPcap;
using SharpPcap.LibPcap;

namespace ColoWire.Ports.Pcap;

/// <summary>
/// Captures live from an interface: every frame that arrives there, none that is sent there. A frame's time is the engine's clock
/// when the frame was taken, because the kernel's timestamp follows the wall clock, which steps.
/// </summary>
public sealed class PcapCapturePort : ICapturePort, IWaitable, ILinkReporter, IFaultReporter, IHandOver
{
    private readonly string interfaceName;
    private readonly LibPcapLiveDevice device;
    private readonly LinkWatch link;
    private readonly RecordIntake intake = new();
    private readonly BatchReader reader;
    private long nextStatisticsNs = long.MinValue;
    private Libpcap.DeviceStatistics lastStatistics;
    private long kernelDropped;
    private long interfaceDropped;
    private string? fault;
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
        SnapLength = snapLength ?? SnapLengthFor(LiveInterface.MtuOf(interfaceName));
        device = LiveDevice.Open(
            interfaceName,
            new DeviceConfiguration
            {
                Mode = DeviceModes.Promiscuous,
                Immediate = true,
                Snaplen = SnapLength,
                BufferSize = (bufferMiB ?? PortLimits.BufferMiB.Default) << 20,
            });
        WaitHandle = Libpcap.SelectableDescriptor(device.Handle);
        IgnoreOutgoing();
        link = new LinkWatch(interfaceName, WaitHandle);
        reader = new BatchReader(device, intake, SnapLength);
    }

    /// <inheritdoc/>
    public string Name => LiveDevice.NamePrefix + interfaceName;

    /// <summary>Bytes captured of a frame at most; a longer one counts as truncated.</summary>
    public int SnapLength { get; }

    /// <inheritdoc/>
    public int WaitHandle { get; }

    /// <inheritdoc/>
    public LinkState Link => link.State;

    /// <inheritdoc/>
    public bool HasLink => link.State == LinkState.Up && !IsBypassed;

    /// <inheritdoc/>
    public bool IsBypassed => Volatile.Read(ref bypassed);

    /// <inheritdoc/>
    public bool HasHandedOver => Volatile.Read(ref handedOver);

    /// <inheritdoc/>
    public string? Fault => Volatile.Read(ref fault);

    /// <summary>What was counted; the kernel's part of it is up to <see cref="PortLimits.StatisticsCycleNs"/> old.</summary>
    public CaptureStatistics Statistics => intake.Statistics;

    /// <inheritdoc/>
    public int Receive(SlotPool pool, Span<FrameRef> batch, long nowNs)
    {
        ArgumentNullException.ThrowIfNull(pool);
        link.Poll(nowNs);
        ReadDrops(nowNs);
        // An interface that goes down is no error here, it just delivers nothing until it is up again.
        if (!reader.TryRead(pool, batch, nowNs, out int taken) && fault is null)
        {
            Volatile.Write(ref fault, $"cannot capture from interface '{interfaceName}' any more: {device.LastError}");
        }

        return taken;
    }

    void IHandOver.HandOver() => Volatile.Write(ref handedOver, true);

    void IHandOver.SetBypassed(bool value) => Volatile.Write(ref bypassed, value);

    /// <summary>Closes the interface. Its thread must have ended: libpcap crashes when it is closed under one.</summary>
    public void Dispose()
    {
        device.Dispose();
        reader.Dispose();
    }

    internal static int SnapLengthFor(int mtu) =>
        Math.Clamp(mtu + PortLimits.LinkHeaderBytes, PortLimits.SnapLength.Default, EngineLimits.MaxFrameBytes);

    /// <summary>
    /// Keeps out what this host sends. Not by the filter <c>inbound</c>: libpcap runs a new filter on the first frame in user space,
    /// where this one cannot be evaluated, and the frame would be lost in silence.
    /// </summary>
    private void IgnoreOutgoing()
    {
        // In the kernel, so that such frames take no room in the ring; kernels before 4.20 do not know it.
        _ = Libc.SetPacketOption(WaitHandle, Libc.PacketIgnoreOutgoing, 1);
        // In libpcap for those, and for what was sent since the interface was opened.
        if (Libpcap.SetDirection(device.Handle, Libpcap.DirectionIn) == Libpcap.Failed)
        {
            string reason = device.LastError;
            device.Dispose();
            throw new PortException($"cannot open interface '{interfaceName}': {reason}");
        }
    }

    private void ReadDrops(long nowNs)
    {
        if (nowNs < nextStatisticsNs)
        {
            return;
        }

        nextStatisticsNs = nowNs + PortLimits.StatisticsCycleNs;
        if (Libpcap.Statistics(device.Handle, out Libpcap.DeviceStatistics now) != Libpcap.Failed)
        {
            kernelDropped += now.DroppedByKernel - lastStatistics.DroppedByKernel;
            interfaceDropped += now.DroppedByInterface - lastStatistics.DroppedByInterface;
            lastStatistics = now;
            intake.SetDrops(kernelDropped, interfaceDropped);
        }
    }
}
