// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Threading;
using ColoWire.Engine.Frames;
using ColoWire.Ports.Pcap;

namespace ColoWire.Ports.Files;

/// <summary>
/// Replays a capture by its own timestamps: a frame arrives when the engine's clock reaches its time. A frame whose time lies before
/// that of an earlier one arrives with it.
/// </summary>
public sealed class FileCapturePort : ICapturePort, IWaitable, IFaultReporter
{
    private readonly string path;
    private readonly RecordReader records;
    private readonly RecordIntake intake = new();
    private long timestampNs;
    private bool startAtFirstPoll;
    private string? fault;
    private bool ended;
    private bool disposed;

    /// <summary>Opens a capture.</summary>
    /// <param name="path">A pcap or pcapng file of Ethernet frames.</param>
    /// <param name="shiftNs">Added to every timestamp.</param>
    /// <exception cref="PortException">It cannot be read, or is no capture of Ethernet frames.</exception>
    public FileCapturePort(string path, long shiftNs = 0)
    {
        this.path = path;
        ShiftNs = shiftNs;
        records = new RecordReader(path, CaptureFile.OpenRead(path, out bool hasNanoseconds));
        HasNanoseconds = hasNanoseconds;
        ReadNext();
    }

    /// <summary>Opens a capture whose first frame arrives at the first poll and every other one as much later as it was captured
    /// later: a capture in the place of an interface.</summary>
    /// <exception cref="PortException">It cannot be read, or is no capture of Ethernet frames.</exception>
    public static FileCapturePort OpenAsLive(string path) => new(path) { startAtFirstPoll = true };

    /// <inheritdoc/>
    public string Name => CaptureFile.NamePrefix + path;

    /// <summary>Added to every timestamp; a change holds for the frames that were not yet delivered.</summary>
    public long ShiftNs { get; set; }

    /// <summary>Whether the capture's timestamps are finer than a microsecond.</summary>
    public bool HasNanoseconds { get; }

    /// <summary>When the next frame arrives; null at the end.</summary>
    public long? NextArrivalNs => intake.HasRecord ? timestampNs + ShiftNs : null;

    /// <summary>Whether everything was delivered, or nothing more can be (see <see cref="Fault"/>). Any thread may read it.</summary>
    public bool Ended => Volatile.Read(ref ended);

    /// <inheritdoc/>
    public string? Fault => Volatile.Read(ref fault);

    /// <summary>None: a file is always ready, its frames wait for the clock.</summary>
    public int WaitHandle => -1;

    /// <inheritdoc/>
    public CaptureStatistics Statistics => intake.Statistics;

    /// <inheritdoc/>
    public int Receive(SlotPool pool, Span<FrameRef> batch, long nowNs)
    {
        ArgumentNullException.ThrowIfNull(pool);
        if (startAtFirstPoll && intake.HasRecord)
        {
            startAtFirstPoll = false;
            ShiftNs = nowNs - timestampNs;
        }

        int taken = 0;
        // Records that are refused count too, so that a call is bounded whatever the file holds.
        for (int read = 0; read < batch.Length && intake.HasRecord; read++)
        {
            long arrivalNs = timestampNs + ShiftNs;
            if (arrivalNs > nowNs)
            {
                break;
            }

            IntakeResult result = intake.Deliver(pool, arrivalNs, out batch[taken]);
            if (result == IntakeResult.NoSlot)
            {
                break;
            }

            taken += result == IntakeResult.Delivered ? 1 : 0;
            ReadNext();
        }

        return taken;
    }

    /// <summary>Closes the capture.</summary>
    public void Dispose()
    {
        if (!disposed)
        {
            disposed = true;
            records.Dispose();
        }
    }

    private void ReadNext()
    {
        int result = records.Take(out nint header, out nint bytes);
        if (result == Libpcap.GotRecord)
        {
            intake.Hold(header, bytes);
            timestampNs = intake.TimestampNs;
            return;
        }

        if (result != Libpcap.EndOfFile)
        {
            Volatile.Write(
                ref fault,
                $"cannot read capture '{path}' to its end: frame {intake.Number + 1} is cut off or damaged ({records.LastError})");
        }

        Volatile.Write(ref ended, true);
    }
}
