// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Runtime.InteropServices;
using ColoWire.Engine.Frames;
using ColoWire.Ports.Linux;
using SharpPcap;

namespace ColoWire.Ports.Pcap;

/// <summary>
/// Sends frames on an interface, unchanged and in batches: libpcap opens the interface, and the packet socket behind it
/// (packet(7)) takes many frames in one system call (sendmmsg(2)).
/// </summary>
public sealed class PcapInjectPort : LivePort, IInjectPort, IFrameSender
{
    /// <summary>A filter that no frame passes: this port only sends, so the kernel should copy nothing into its receive
    /// ring.</summary>
    private const string NoFrames = "ether proto 0xffff";

    /// <summary>Bytes captured of a frame that arrives before the filter is set, and the smallest receive buffer for
    /// it.</summary>
    private const int SnapLength = 64;
    private const int BufferBytes = 64 << 10;

    private readonly InterfaceLink<OpenDevice> link;
    private readonly SendBatch batch;
    private readonly InjectLoop loop;

    /// <summary>Opens an interface for sending.</summary>
    /// <param name="interfaceName">An Ethernet interface that is up.</param>
    /// <param name="sendRetryMs">In ms; see <see cref="PortLimits.SendRetryMs"/>.</param>
    /// <exception cref="PortException">It cannot be opened.</exception>
    public PcapInjectPort(string interfaceName, int? sendRetryMs = null)
        : base(LiveDevice.NamePrefix + interfaceName)
    {
        loop = new InjectLoop(sendRetryMs ?? PortLimits.SendRetryMs.Default);
        DeviceConfiguration sending = new()
        {
            Mode = DeviceModes.None,
            Immediate = true,
            Snaplen = SnapLength,
            BufferSize = BufferBytes,
        };
        link = new InterfaceLink<OpenDevice>(interfaceName, () => OpenDevice.OpenForTransmit(interfaceName, sending, NoFrames));
        batch = new SendBatch(link.Handle!.Descriptor);
    }

    /// <inheritdoc/>
    public InjectStatistics Statistics => loop.Tally.Statistics;

    /// <inheritdoc/>
    public int MaxPayloadBytes => link.Mtu is not 0 and int mtu ? mtu : int.MaxValue;

    private protected override IInterfaceLink Interface => link;

    /// <inheritdoc/>
    public int Inject(FrameArena arena, ReadOnlySpan<FrameRef> frames, long nowNs)
    {
        ArgumentNullException.ThrowIfNull(arena);
        if (link.MustChange && link.ChangeHandle())
        {
            batch.Use(link.Handle!.Descriptor);
        }

        link.Poll(nowNs);
        return loop.Run(this, arena, frames, nowNs);
    }

    /// <inheritdoc/>
    public int Reclaim(Span<FrameRef> frames) => loop.Reclaim(frames);

    /// <inheritdoc/>
    public int ReclaimLost(Span<FrameRef> frames) => loop.ReclaimLost(frames);

    /// <summary>Closes the interface. The port's thread must have ended: libpcap crashes when a handle is closed while it is
    /// used.</summary>
    public void Dispose() => link.Dispose();

    int IFrameSender.Send(FrameArena arena, ReadOnlySpan<FrameRef> frames, long nowNs)
    {
        if (link.State != LinkState.Up)
        {
            // The kernel would accept the frame and drop it without an error.
            return loop.Lose(frames[0], InjectLoss.LinkDown);
        }

        int sent = batch.Send(arena, frames, out long bytes);
        if (sent < 0 && Marshal.GetLastPInvokeError() == Libc.NetworkDown)
        {
            // A packet socket keeps ENETDOWN for its next call after the interface went down, also when it is up again by then.
            // Only the second ENETDOWN in a row is about this frame (packet_notifier, net/packet/af_packet.c).
            sent = batch.Send(arena, frames, out bytes);
        }

        return sent >= 0
            ? loop.Sent(frames[..sent], bytes)
            : Marshal.GetLastPInvokeError() switch
            {
                Libc.NoBufferSpace or Libc.TryAgain or Libc.Interrupted => loop.WaitOrLose(frames[0], InjectLoss.Failed, nowNs),
                Libc.MessageTooLong => loop.Lose(frames[0], InjectLoss.TooLong),
                Libc.NetworkDown or Libc.NoSuchAddress or Libc.NoSuchDevice => loop.Lose(frames[0], InjectLoss.LinkDown),
                _ => loop.Lose(frames[0], InjectLoss.Failed),
            };
    }
}
