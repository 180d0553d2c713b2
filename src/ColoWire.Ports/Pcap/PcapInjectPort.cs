// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Runtime.InteropServices;
using ColoWire.Engine.Frames;
using ColoWire.Ports.Linux;
using SharpPcap;

namespace ColoWire.Ports.Pcap;

/// <summary>Sends frames on an interface as they are, in batches: libpcap opens it, its packet socket takes many frames a call.</summary>
public sealed class PcapInjectPort : IInjectPort, ILinkReporter, IKeptPort
{
    /// <summary>Lets nothing in: this port only sends, so that capturing on it should cost nothing.</summary>
    private const string Nothing = "ether proto 0xffff";

    /// <summary>Bytes captured of a frame that gets in all the same, and the least buffer for it.</summary>
    private const int SnapLength = 64;
    private const int BufferBytes = 64 << 10;

    private readonly string interfaceName;
    private readonly PortKeeper<OpenDevice> keeper;
    private readonly HandleExchange<OpenDevice> exchange;
    private readonly LinkWatch link;
    private readonly SendBatch batch;
    private readonly InjectTally tally = new();
    private readonly SendPatience patience;

    /// <summary>Opens an interface for sending.</summary>
    /// <param name="interfaceName">An Ethernet interface that is up.</param>
    /// <param name="sendRetryMs">See <see cref="PortLimits.SendRetryMs"/>.</param>
    /// <exception cref="PortException">It cannot be opened.</exception>
    public PcapInjectPort(string interfaceName, int? sendRetryMs = null)
    {
        this.interfaceName = interfaceName;
        patience = new SendPatience(sendRetryMs ?? PortLimits.SendRetryMs.Default);
        DeviceConfiguration sending = new() { Mode = DeviceModes.None, Immediate = true, Snaplen = SnapLength, BufferSize = BufferBytes };
        keeper = new PortKeeper<OpenDevice>(interfaceName, () => OpenDevice.OpenForTransmit(interfaceName, sending, Nothing));
        exchange = keeper.Exchange;
        link = new LinkWatch(exchange.Current!.InterfaceIndex, keeper.Questions);
        batch = new SendBatch(exchange.Current.Descriptor);
    }

    /// <inheritdoc/>
    public string Name => LiveDevice.NamePrefix + interfaceName;

    /// <inheritdoc/>
    public LinkState Link => link.State;

    /// <inheritdoc/>
    public string? Trouble => keeper.Trouble;

    /// <inheritdoc/>
    public string? CalledNow => keeper.CalledNow;

    IPortKeeper IKeptPort.Keeper => keeper;

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
        ReadOnlySpan<FrameRef> left = frames[..Math.Min(frames.Length, tally.Room)];
        int taken = 0;
        while (taken < left.Length)
        {
            int now = Send(arena, left[taken..], nowNs);
            if (now == 0)
            {
                break;
            }

            taken += now;
        }

        return taken;
    }

    /// <inheritdoc/>
    public int Reclaim(Span<FrameRef> frames) => tally.Reclaim(frames);

    /// <summary>Closes the interface. Its thread must have ended: libpcap crashes when it is closed under one.</summary>
    public void Dispose() => keeper.Dispose();

    /// <summary>Lets go of an interface that is gone, or takes the one that is back.</summary>
    private void ChangeOver()
    {
        if (exchange.Change())
        {
            batch.Use(exchange.Current!.Descriptor);
            link.Follow(exchange.Current.InterfaceIndex);
        }
        else
        {
            link.Lose();
        }
    }

    /// <returns>How many frames from the front are done with, sent or lost; 0 when the first has to wait.</returns>
    private int Send(FrameArena arena, ReadOnlySpan<FrameRef> frames, long nowNs)
    {
        if (link.State != LinkState.Up)
        {
            // The kernel would take the frame and drop it in silence.
            tally.LostLinkDown(frames[0]);
            return 1;
        }

        int sent = batch.Send(arena, frames, out long bytes);
        if (sent < 0 && Marshal.GetLastPInvokeError() == Libc.NetworkDown)
        {
            // A socket keeps the news that its interface was switched off for the next call, even if it is on again by then: only when
            // the second call says so too does it speak of this frame.
            sent = batch.Send(arena, frames, out bytes);
        }

        if (sent < 0)
        {
            return Refused(frames[0], Marshal.GetLastPInvokeError(), nowNs) ? 0 : 1;
        }

        patience.Progress();
        tally.Sent(frames[..sent], bytes);
        return sent;
    }

    /// <returns>Whether the frame waits; else it is lost.</returns>
    private bool Refused(FrameRef frame, int error, long nowNs)
    {
        switch (error)
        {
            case Libc.NoBufferSpace or Libc.TryAgain or Libc.Interrupted when patience.MayWait(nowNs):
                tally.Retry();
                return true;
            case Libc.MessageTooLong:
                tally.LostTooLong(frame);
                break;
            case Libc.NetworkDown or Libc.NoSuchAddress or Libc.NoSuchDevice:
                tally.LostLinkDown(frame);
                break;
            default:
                tally.LostFailed(frame);
                break;
        }

        return false;
    }
}
