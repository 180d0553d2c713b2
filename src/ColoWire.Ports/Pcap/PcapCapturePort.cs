// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine;
using ColoWire.Engine.Frames;
using ColoWire.Ports.Linux;

namespace ColoWire.Ports.Pcap;

/// <summary>
/// Captures live from an interface through libpcap (pcap(3PCAP)), which reads the receive ring of a packet socket (packet(7)):
/// every frame that arrives at the interface, none that this host sends on it. A frame's time of arrival is the engine's clock
/// when the frame was read, because the kernel's timestamp follows the wall clock, which can step.
/// </summary>
public sealed class PcapCapturePort : LiveCapturePort, ICapturePort
{
    private readonly string interfaceName;
    private readonly InterfaceLink<OpenDevice> link;
    private readonly CaptureTally tally = new();
    private readonly BatchReader reader;
    private PcapDrops drops = new();
    private Cycle statisticsCycle = new(PortLimits.StatisticsCycleNs);

    /// <summary>Opens an interface.</summary>
    /// <param name="interfaceName">An Ethernet interface that is up.</param>
    /// <param name="bufferMiB">The kernel's buffer in MiB; see <see cref="PortLimits.BufferMiB"/>.</param>
    /// <param name="snapLength">Bytes captured of a frame, see <see cref="PortLimits.SnapLength"/>; null for what the MTU
    /// needs.</param>
    /// <exception cref="PortException">It cannot be opened.</exception>
    public PcapCapturePort(string interfaceName, int? bufferMiB = null, int? snapLength = null)
        : base(LiveDevice.NamePrefix + interfaceName)
    {
        this.interfaceName = interfaceName;
        int buffer = bufferMiB ?? PortLimits.BufferMiB.Default;
        link = new InterfaceLink<OpenDevice>(interfaceName, () => OpenDevice.OpenForReceive(interfaceName, buffer, snapLength));
        SnapLength = link.Handle!.SnapLength;
        reader = new BatchReader(new RecordIntake(tally));
        reader.Use(link.Handle);
    }

    /// <summary>Bytes captured of a frame at most; a longer frame counts as truncated.</summary>
    public int SnapLength { get; private set; }

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

        // An interface that goes down is no error here: it delivers nothing until it is up again.
        bool isGood = reader.TryRead(pool, batch, nowNs, out int taken);
        if (!isGood)
        {
            link.Fail($"cannot capture from interface '{interfaceName}': {link.Handle?.Device.LastError}");
            reader.Use(null);
        }

        // Only when all frames that had arrived on the old handle were taken.
        if (link.MustChange && taken == 0)
        {
            ChangeHandle();
        }

        return taken;
    }

    /// <summary>Closes the interface. The port's thread must have ended: libpcap crashes when a handle is closed while it is
    /// read.</summary>
    public void Dispose()
    {
        link.Dispose();
        reader.Dispose();
    }

    internal static int SnapLengthFor(int mtu) =>
        Math.Clamp(mtu + PortLimits.LinkHeaderBytes, PortLimits.SnapLength.Default, EngineLimits.MaxFrameBytes);

    private void ChangeHandle()
    {
        ReadDrops();
        if (link.ChangeHandle())
        {
            SnapLength = link.Handle!.SnapLength;
            drops = new PcapDrops();
            tally.HandleReplaced();
            statisticsCycle.Restart();
        }

        reader.Use(link.Handle);
    }

    private void ReadDrops()
    {
        if (link.Handle is { } handle
            && Libpcap.Statistics(handle.Device.Handle, out Libpcap.DeviceStatistics now) != Libpcap.Failed)
        {
            tally.SetDrops(drops.Add(now));
        }
    }
}
