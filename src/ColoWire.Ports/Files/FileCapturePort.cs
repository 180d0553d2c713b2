// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Threading;
using ColoWire.Engine.Frames;
using ColoWire.Ports.Pcap;

namespace ColoWire.Ports.Files;

/// <summary>
/// Replays a capture by its own timestamps: a frame arrives when the engine's clock reaches its timestamp. A frame whose
/// timestamp is less than that of an earlier frame arrives with that one. Where the timestamps go back by more than
/// <see cref="PortLimits.CaptureDisorderNs"/>, the clock of the capturing host was set back: all later timestamps are shifted
/// forward by as much.
/// </summary>
public sealed class FileCapturePort : ICapturePort, IWaitable, IFaultReporter
{
    private readonly string path;
    private readonly RecordReader records;
    private readonly CaptureTally tally = new();
    private readonly RecordIntake intake;
    private readonly List<ClockStep> steps = [];
    private long timestampNs;
    private long latestNs = long.MinValue;
    private bool startAtFirstPoll;
    private string? fault;
    private bool ended;
    private bool disposed;

    /// <summary>Opens a capture.</summary>
    /// <param name="path">A pcap or pcapng file of Ethernet frames.</param>
    /// <param name="shiftNs">Added to every timestamp, in nanoseconds.</param>
    /// <exception cref="PortException">The file cannot be read, or is no capture of Ethernet frames.</exception>
    public FileCapturePort(string path, long shiftNs = 0)
    {
        this.path = path;
        ShiftNs = shiftNs;
        records = new RecordReader(path, CaptureFile.OpenRead(path, out bool hasNanoseconds));
        HasNanoseconds = hasNanoseconds;
        intake = new RecordIntake(tally);
        ReadNext();
    }

    /// <summary>Opens a capture in place of an interface: its first frame arrives at the first poll, each other one as much later
    /// as it was captured later.</summary>
    /// <exception cref="PortException">The file cannot be read, or is no capture of Ethernet frames.</exception>
    public static FileCapturePort OpenAsLive(string path) => new(path) { startAtFirstPoll = true };

    /// <inheritdoc/>
    public string Name => CaptureFile.NamePrefix + path;

    /// <summary>Added to every timestamp, in nanoseconds; a change applies to the frames that were not delivered yet.</summary>
    public long ShiftNs { get; set; }

    /// <summary>How often the clock of the capturing host was set back.</summary>
    public int ClockSteps => steps.Count;

    /// <summary>The number of the first frame after the clock was set back for the first time; 0 when it never was.</summary>
    public long FirstClockStepFrame => steps.Count == 0 ? 0 : steps[0].Frame;

    /// <summary>Whether the capture's timestamps are finer than a microsecond.</summary>
    public bool HasNanoseconds { get; }

    /// <summary>When the next frame arrives, in nanoseconds of the engine's clock; null at the end.</summary>
    public long? NextArrivalNs => intake.HasRecord ? timestampNs + ShiftNs : null;

    /// <summary>Whether all frames were delivered, or no more can be (see <see cref="Fault"/>). Any thread may read it.</summary>
    public bool Ended => Volatile.Read(ref ended);

    /// <inheritdoc/>
    public string? Fault => Volatile.Read(ref fault);

    /// <summary>-1: a file is always readable, its frames are due by the clock.</summary>
    public int WaitHandle => -1;

    /// <inheritdoc/>
    public CaptureStatistics Statistics => tally.Statistics;

    /// <summary>The timestamp that a frame has in this capture, plus <see cref="ShiftNs"/> as the caller set it.</summary>
    /// <param name="number">The frame's number.</param>
    /// <param name="arrivalNs">When it arrived, in nanoseconds of the engine's clock.</param>
    public long CapturedNs(uint number, long arrivalNs)
    {
        foreach (ref readonly ClockStep step in CollectionsMarshal.AsSpan(steps))
        {
            arrivalNs -= number >= step.Frame ? step.ForwardNs : 0;
        }

        return arrivalNs;
    }

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
        // Records that are refused count, too: a call reads a bounded number of records from any file.
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
            ShiftWhereSetBack();
            return;
        }

        if (result != Libpcap.EndOfFile)
        {
            Volatile.Write(ref fault, CaptureFile.ReadFault(path, tally.LastNumber + 1, records.LastError));
        }

        Volatile.Write(ref ended, true);
    }

    /// <summary>Where the clock was set back, the first frame after it arrives together with the newest one before it.</summary>
    private void ShiftWhereSetBack()
    {
        if (tally.LastNumber > 1 && latestNs - timestampNs > PortLimits.CaptureDisorderNs)
        {
            long forwardNs = latestNs - timestampNs;
            steps.Add(new ClockStep(tally.LastNumber, forwardNs));
            ShiftNs += forwardNs;
            latestNs = timestampNs;
        }

        latestNs = Math.Max(latestNs, timestampNs);
    }

    /// <summary>An instant at which the clock was set back.</summary>
    /// <param name="Frame">The number of the first frame after it.</param>
    /// <param name="ForwardNs">What is added to the timestamp of that frame and of all later ones, in nanoseconds.</param>
    private readonly record struct ClockStep(long Frame, long ForwardNs);
}
