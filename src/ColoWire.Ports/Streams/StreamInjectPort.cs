// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using ColoWire.Engine.Frames;

namespace ColoWire.Ports.Streams;

/// <summary>
/// Sends frames to a socket in the format that QEMU's filter-redirector receives (<see cref="StreamFormat"/>). A frame counts as
/// sent when the kernel has taken all of it. A frame of which a broken connection took only a part is sent on the next connection
/// from its start.
/// </summary>
public sealed unsafe class StreamInjectPort : StreamPort, IInjectPort, IFrameSender
{
    /// <summary>Bytes that are received and thrown away in one call. QEMU sends nothing here.</summary>
    private const int DiscardBytes = 4096;

    private readonly StreamOutput output;
    private readonly InjectLoop loop;
    private Cycle peerCycle = new(PortLimits.LinkCycleNs);

    /// <summary>Connects in the background, or listens.</summary>
    /// <param name="endpoint">Where.</param>
    /// <param name="hasVnetHeaders">Whether frames have virtio-net headers (<c>vnet_hdr_support</c>).</param>
    /// <param name="sendRetryMs">In ms; see <see cref="PortLimits.SendRetryMs"/>.</param>
    /// <exception cref="PortException">The endpoint cannot be listened at.</exception>
    public StreamInjectPort(StreamEndpoint endpoint, bool hasVnetHeaders = false, int? sendRetryMs = null)
        : base(endpoint)
    {
        KeepsVnetHeader = hasVnetHeaders;
        output = new StreamOutput(hasVnetHeaders);
        loop = new InjectLoop(sendRetryMs ?? PortLimits.SendRetryMs.Default);
    }

    /// <inheritdoc/>
    public bool KeepsVnetHeader { get; }

    /// <inheritdoc/>
    public InjectStatistics Statistics => loop.Tally.Statistics;

    /// <inheritdoc/>
    public int Inject(FrameArena arena, ReadOnlySpan<FrameRef> frames, long nowNs)
    {
        ArgumentNullException.ThrowIfNull(arena);
        CheckPeer(nowNs);
        SendRest();
        return loop.Run(this, arena, frames, nowNs);
    }

    /// <inheritdoc/>
    public int Reclaim(Span<FrameRef> frames) => loop.Reclaim(frames);

    /// <summary>Forgets the frames that wait to be sent, except for the rest of one of which a part was sent: the other end would
    /// read the next frame as that rest.</summary>
    /// <returns>1 when there is such a rest, else 0.</returns>
    public int Abandon()
    {
        if (output.IsFirstBegun)
        {
            output.KeepRest();
        }

        ForgetUnsent();
        return output.IsRest ? 1 : 0;
    }

    /// <summary>Closes the connection. The port's thread must have ended.</summary>
    public void Dispose() => Channel.Dispose();

    int IFrameSender.Send(FrameArena arena, ReadOnlySpan<FrameRef> frames, long nowNs)
    {
        if (Channel.IsConnected && !output.IsRest)
        {
            if (output.IsEmpty)
            {
                output.Fill(arena, frames);
            }

            if (output.IsEmpty)
            {
                // An empty buffer has room for every frame that is not empty.
                return loop.Lose(frames[0], InjectLoss.Failed);
            }

            int sent = SendOutput(arena, frames);
            if (sent != 0)
            {
                return sent;
            }
        }

        return loop.MustWait(nowNs) ? 0 : GiveUpFirst(arena, frames[0]);
    }

    /// <returns>How many frames were sent to their end.</returns>
    private int SendOutput(FrameArena arena, ReadOnlySpan<FrameRef> frames)
    {
        int count = output.Sent(Push());
        if (count == 0)
        {
            return 0;
        }

        long bytes = 0;
        foreach (FrameRef frame in frames[..count])
        {
            bytes += arena[frame].Length;
        }

        return loop.Sent(frames[..count], bytes);
    }

    /// <summary>Sends the rest of a frame that the engine has got back already.</summary>
    private void SendRest()
    {
        if (Channel.IsConnected && output.IsRest)
        {
            _ = output.Sent(Push());
            if (Channel.IsConnected && !output.IsRest)
            {
                loop.Tally.AddFrames(1);
            }
        }
    }

    /// <returns>How many bytes the kernel has taken.</returns>
    private int Push()
    {
        int sent = Channel.Send(output.First, output.Bytes, out string? loss);
        if (sent > 0)
        {
            loop.Progress();
        }
        else if (loss is not null)
        {
            GiveUpConnection(loss);
        }

        return sent;
    }

    /// <summary>The first frame has waited for too long: it is lost, or, where a part of it was sent, its rest follows from the
    /// copy.</summary>
    /// <returns>1: one frame needs no further call.</returns>
    private int GiveUpFirst(FrameArena arena, FrameRef frame)
    {
        if (output.IsFirstBegun)
        {
            output.KeepRest();
            loop.Tally.AddBytes(arena[frame].Length);
            loop.GiveBack([frame]);
            return 1;
        }

        if (Channel.IsConnected)
        {
            ForgetUnsent();
            return loop.Lose(frame, InjectLoss.Failed);
        }

        return loop.Lose(frame, InjectLoss.LinkDown);
    }

    private void ForgetUnsent()
    {
        if (!output.IsRest)
        {
            output.Clear();
        }
    }

    private void GiveUpConnection(string reason)
    {
        if (output.IsRest)
        {
            loop.Tally.AddLost(InjectLoss.LinkDown, 1);
        }

        output.Clear();
        Channel.GiveUp(reason);
    }

    /// <summary>Takes a new connection, or reads from the present one: that shows whether the peer has closed it, also while no
    /// frame is sent.</summary>
    private void CheckPeer(long nowNs)
    {
        if (!Channel.IsConnected)
        {
            _ = Channel.TryTakeOver();
            return;
        }

        if (peerCycle.IsDue(nowNs))
        {
            byte* discarded = stackalloc byte[DiscardBytes];
            _ = Channel.Receive(discarded, DiscardBytes, out string? loss);
            if (loss is not null)
            {
                GiveUpConnection(loss);
            }
        }
    }
}
