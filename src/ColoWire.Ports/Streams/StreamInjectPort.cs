// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Runtime.InteropServices;
using ColoWire.Engine.Frames;
using ColoWire.Ports.Linux;

namespace ColoWire.Ports.Streams;

/// <summary>
/// Sends frames to a socket as QEMU's filter-redirector takes them. A frame counts as sent when the kernel has all of it; one that a
/// connection cuts off goes to the next one as a whole.
/// </summary>
public sealed unsafe class StreamInjectPort : IInjectPort, ILinkReporter, IPeerReporter
{
    /// <summary>Bytes of what the other end says that are thrown away in one go; QEMU says nothing.</summary>
    private const int UnheardBytes = 4096;

    private readonly StreamEndpoint endpoint;
    private readonly StreamChannel channel;
    private readonly SendStage stage;
    private readonly InjectTally tally = new();
    private readonly SendPatience patience;
    private long nextLookNs = long.MinValue;

    /// <summary>Connects in the background, or listens.</summary>
    /// <param name="endpoint">Where.</param>
    /// <param name="hasVnetHeaders">Whether frames bear virtio-net headers (<c>vnet_hdr_support</c>).</param>
    /// <param name="sendRetryMs">See <see cref="PortLimits.SendRetryMs"/>.</param>
    /// <exception cref="PortException">Nobody can listen there.</exception>
    public StreamInjectPort(StreamEndpoint endpoint, bool hasVnetHeaders = false, int? sendRetryMs = null)
    {
        this.endpoint = endpoint;
        KeepsVnetHeader = hasVnetHeaders;
        stage = new SendStage(hasVnetHeaders);
        patience = new SendPatience(sendRetryMs ?? PortLimits.SendRetryMs.Default);
        channel = new StreamChannel(endpoint);
    }

    /// <inheritdoc/>
    public string Name => StreamCapturePort.NamePrefix + endpoint;

    /// <inheritdoc/>
    public LinkState Link => channel.IsConnected ? LinkState.Up : LinkState.Down;

    /// <inheritdoc/>
    public string Trouble => channel.Trouble;

    /// <inheritdoc/>
    public string? Peer => channel.Peer;

    /// <inheritdoc/>
    public RefusedPeers Refused => channel.Refused;

    /// <inheritdoc/>
    public string Allowed => StreamPeers.Allowed(endpoint);

    /// <inheritdoc/>
    public bool KeepsVnetHeader { get; }

    /// <inheritdoc/>
    public InjectStatistics Statistics => tally.Statistics;

    /// <inheritdoc/>
    public int Inject(FrameArena arena, ReadOnlySpan<FrameRef> frames, long nowNs)
    {
        ArgumentNullException.ThrowIfNull(arena);
        LookAfterPeer(nowNs);
        SendRest();
        ReadOnlySpan<FrameRef> left = frames[..Math.Min(frames.Length, tally.Room)];
        int taken = 0;
        while (taken < left.Length)
        {
            int now = Offer(arena, left[taken..], nowNs);
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

    /// <summary>Forgets what stands to be sent, but for the rest of a frame that was begun: the other end would take what follows
    /// for it.</summary>
    /// <returns>1 when there is such a rest, else 0.</returns>
    public int Abandon()
    {
        if (stage.IsFirstBegun)
        {
            stage.KeepRest();
        }

        ForgetUnsent();
        return stage.IsRest ? 1 : 0;
    }

    /// <summary>Closes the connection. Its thread must have ended.</summary>
    public void Dispose() => channel.Dispose();

    /// <returns>How many frames from the front are done with, sent or lost; 0 when the first has to wait.</returns>
    private int Offer(FrameArena arena, ReadOnlySpan<FrameRef> frames, long nowNs)
    {
        if (channel.IsConnected && !stage.IsRest)
        {
            if (stage.IsEmpty)
            {
                stage.Fill(arena, frames);
            }

            if (stage.IsEmpty)
            {
                // There is room for any frame that has bytes.
                tally.LostFailed(frames[0]);
                return 1;
            }

            int sent = Send(arena, frames);
            if (sent != 0)
            {
                return sent;
            }
        }

        return MustWait(arena, frames[0], nowNs) ? 0 : 1;
    }

    /// <returns>How many frames have left as a whole.</returns>
    private int Send(FrameArena arena, ReadOnlySpan<FrameRef> frames)
    {
        int left = stage.Sent(Push());
        long bytes = 0;
        for (int i = 0; i < left; i++)
        {
            bytes += arena[frames[i]].Length;
        }

        tally.Sent(frames[..left], bytes);
        return left;
    }

    private void SendRest()
    {
        if (channel.IsConnected && stage.IsRest)
        {
            _ = stage.Sent(Push());
            if (channel.IsConnected && !stage.IsRest)
            {
                tally.Left(1, 0, LinkState.Up);
            }
        }
    }

    /// <returns>How many bytes the kernel has taken.</returns>
    private int Push()
    {
        nint sent = Libc.Send(channel.Descriptor, stage.First, (nuint)stage.Bytes, Libc.DoNotWait | Libc.NoSignal);
        if (sent > 0)
        {
            patience.Progress();
            return (int)sent;
        }

        int error = Marshal.GetLastPInvokeError();
        if (StreamChannel.IsLost(error))
        {
            GiveUp(Marshal.GetPInvokeErrorMessage(error));
        }

        return 0;
    }

    /// <returns>Whether the frame waits; else it is lost, or its rest follows from a copy.</returns>
    private bool MustWait(FrameArena arena, FrameRef frame, long nowNs)
    {
        if (patience.MayWait(nowNs))
        {
            tally.Retry();
            return true;
        }

        if (stage.IsFirstBegun)
        {
            // The other end would take what follows for the rest of it.
            stage.KeepRest();
            tally.Handed(frame, arena[frame].Length);
        }
        else if (channel.IsConnected)
        {
            ForgetUnsent();
            tally.LostFailed(frame);
        }
        else
        {
            tally.LostLinkDown(frame);
        }

        return false;
    }

    private void ForgetUnsent()
    {
        if (!stage.IsRest)
        {
            stage.Clear();
        }
    }

    private void GiveUp(string reason)
    {
        if (stage.IsRest)
        {
            tally.Left(0, 1, LinkState.Down);
        }

        stage.Clear();
        channel.GiveUp(reason);
    }

    /// <summary>Sees now and then whether there is still somebody: who sends nothing would not learn it.</summary>
    private void LookAfterPeer(long nowNs)
    {
        if (!channel.IsConnected)
        {
            _ = channel.TryTakeOver();
            return;
        }

        if (nowNs < nextLookNs)
        {
            return;
        }

        nextLookNs = nowNs + PortLimits.LinkCycleNs;
        byte* unheard = stackalloc byte[UnheardBytes];
        nint received = Libc.Receive(channel.Descriptor, unheard, UnheardBytes, Libc.DoNotWait);
        int error = received < 0 ? Marshal.GetLastPInvokeError() : 0;
        if (received == 0 || (received < 0 && StreamChannel.IsLost(error)))
        {
            GiveUp(received == 0 ? StreamChannel.ClosedByPeer : Marshal.GetPInvokeErrorMessage(error));
        }
    }
}
