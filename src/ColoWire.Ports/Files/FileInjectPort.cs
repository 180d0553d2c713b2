// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Threading;
using ColoWire.Engine.Frames;

namespace ColoWire.Ports.Files;

/// <summary>Writes the frames that leave into a capture, byte for byte, with the times at which they arrived.</summary>
public sealed class FileInjectPort : IInjectPort, IFaultReporter
{
    private readonly string path;
    private readonly DumpDevice device;
    private readonly long shiftNs;
    private readonly FileCapturePort? origin;
    private readonly InjectTally tally = new();
    private string? fault;
    private bool disposed;

    /// <summary>Creates a capture, or empties the one that is there.</summary>
    /// <param name="path">The file.</param>
    /// <param name="nanoseconds">Whether to keep nanoseconds, or to write a plain microsecond capture that every tool reads.</param>
    /// <param name="shiftNs">Added to every time, for an engine whose clock does not count from 1970.</param>
    /// <param name="origin">The capture whose frames leave, so that each has the time that it has there; none where they come from elsewhere.</param>
    /// <exception cref="PortException">It cannot be written.</exception>
    public FileInjectPort(string path, bool nanoseconds = true, long shiftNs = 0, FileCapturePort? origin = null)
    {
        this.path = path;
        this.shiftNs = shiftNs;
        this.origin = origin;
        device = CaptureFile.OpenWrite(path, nanoseconds);
    }

    /// <inheritdoc/>
    public string Name => CaptureFile.NamePrefix + path;

    /// <inheritdoc/>
    public string? Fault => Volatile.Read(ref fault);

    /// <inheritdoc/>
    public InjectStatistics Statistics => tally.Statistics;

    /// <inheritdoc/>
    public unsafe int Inject(FrameArena arena, ReadOnlySpan<FrameRef> frames, long nowNs)
    {
        ArgumentNullException.ThrowIfNull(arena);
        int count = Math.Min(frames.Length, tally.Room);
        foreach (FrameRef frameRef in frames[..count])
        {
            ref Frame frame = ref arena[frameRef];
            if (fault is null)
            {
                long capturedNs = origin?.CapturedNs(frame.Number, frame.ArrivalNs) ?? frame.ArrivalNs;
                SetFault(device.Append(capturedNs + shiftNs, arena.Pointer(frameRef), frame.Length));
            }

            if (fault is null)
            {
                tally.Sent(frameRef, frame.Length);
            }
            else
            {
                tally.LostFailed(frameRef);
            }
        }

        return count;
    }

    /// <inheritdoc/>
    public int Reclaim(Span<FrameRef> frames) => tally.Reclaim(frames);

    /// <summary>Writes out what is buffered, so that the file is whole. What fails shows in <see cref="Fault"/>.</summary>
    public void Flush()
    {
        if (!disposed)
        {
            SetFault(device.Flush());
        }
    }

    /// <summary>Writes out what is buffered and closes the file. What fails shows in <see cref="Fault"/>.</summary>
    public void Dispose()
    {
        Flush();
        if (!disposed)
        {
            disposed = true;
            device.Dispose();
        }
    }

    private void SetFault(string? reason)
    {
        if (reason is not null && fault is null)
        {
            Volatile.Write(ref fault, $"cannot write capture '{path}': {reason}");
        }
    }
}
