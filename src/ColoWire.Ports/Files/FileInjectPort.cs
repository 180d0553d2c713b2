// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Threading;
using ColoWire.Engine.Frames;

namespace ColoWire.Ports.Files;

/// <summary>Writes the frames that leave into a pcap capture, byte for byte, with their times of arrival.</summary>
public sealed class FileInjectPort : IInjectPort, IFrameSender, IFaultReporter
{
    private readonly string path;
    private readonly DumpDevice device;
    private readonly long shiftNs;
    private readonly FileCapturePort? origin;
    private readonly InjectLoop loop = new(retryMs: 0);
    private string? fault;
    private bool disposed;

    /// <summary>Creates a capture, or truncates the one that exists.</summary>
    /// <param name="path">The file.</param>
    /// <param name="nanoseconds">Whether timestamps have nanoseconds; else the capture has microseconds, which every tool
    /// reads.</param>
    /// <param name="shiftNs">Added to every time, in nanoseconds, for an engine whose clock does not count from 1970.</param>
    /// <param name="origin">The capture whose frames leave, so that each gets the timestamp that it has there; null where they
    /// come from elsewhere.</param>
    /// <param name="temporaryPath">The file that is written in place of <paramref name="path"/>, which stays as it is; null for
    /// none. Messages name <paramref name="path"/>.</param>
    /// <exception cref="PortException">The file cannot be written.</exception>
    public FileInjectPort(
        string path, bool nanoseconds = true, long shiftNs = 0, FileCapturePort? origin = null, string? temporaryPath = null)
    {
        this.path = path;
        this.shiftNs = shiftNs;
        this.origin = origin;
        device = CaptureFile.OpenWrite(path, nanoseconds, temporaryPath);
    }

    /// <summary>Why a file cannot be written, as far as this shows without creating or changing it.</summary>
    /// <returns>One line; null when it can probably be written.</returns>
    public static string? FindFault(string path) => CaptureFile.FindWriteFault(path);

    /// <inheritdoc/>
    public string Name => CaptureFile.NamePrefix + path;

    /// <inheritdoc/>
    public string? Fault => Volatile.Read(ref fault);

    /// <inheritdoc/>
    public InjectStatistics Statistics => loop.Tally.Statistics;

    /// <inheritdoc/>
    public int Inject(FrameArena arena, ReadOnlySpan<FrameRef> frames, long nowNs)
    {
        ArgumentNullException.ThrowIfNull(arena);
        return loop.Run(this, arena, frames, nowNs);
    }

    /// <inheritdoc/>
    public int Reclaim(Span<FrameRef> frames) => loop.Reclaim(frames);

    /// <summary>Writes out what is buffered. An error shows in <see cref="Fault"/>.</summary>
    public void Flush()
    {
        if (!disposed)
        {
            SetFault(device.Flush());
        }
    }

    /// <summary>Writes out what is buffered and closes the file. An error shows in <see cref="Fault"/>.</summary>
    public void Dispose()
    {
        Flush();
        if (!disposed)
        {
            disposed = true;
            device.Dispose();
        }
    }

    unsafe int IFrameSender.Send(FrameArena arena, ReadOnlySpan<FrameRef> frames, long nowNs)
    {
        FrameRef first = frames[0];
        ref Frame frame = ref arena[first];
        if (fault is null)
        {
            long capturedNs = origin?.CapturedNs(frame.Number, frame.ArrivalNs) ?? frame.ArrivalNs;
            SetFault(device.Append(capturedNs + shiftNs, arena.Pointer(first), frame.Length));
        }

        return fault is null ? loop.Sent(frames[..1], frame.Length) : loop.Lose(first, InjectLoss.Failed);
    }

    private void SetFault(string? reason)
    {
        if (reason is not null && fault is null)
        {
            Volatile.Write(ref fault, $"cannot write capture '{path}': {reason}");
        }
    }
}
