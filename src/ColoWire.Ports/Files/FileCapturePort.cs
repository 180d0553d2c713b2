// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Threading;
using ColoWire.Engine.Frames;
using ColoWire.Ports.Pcap;

namespace ColoWire.Ports.Files;

/// <summary>
/// Replays a capture by its own timestamps: a frame arrives when the engine's clock reaches its time. A frame whose time lies before
/// that of an earlier one arrives with it; where the time goes back by more than <see cref="PortLimits.CaptureDisorderNs"/> the clock of
/// the capture was set, and time goes on from there.
/// </summary>
public sealed class FileCapturePort : ICapturePort, IWaitable, IFaultReporter
{
    private readonly string path;
    private readonly RecordReader records;
    private readonly RecordIntake intake = new();
    private readonly List<ClockStep> steps = [];
    private long timestampNs;
    private long latestNs = long.MinValue;
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

    /// <summary>How often the capture's clock was set back.</summary>
    public int ClockSteps => steps.Count;

    /// <summary>Number of the first frame after the clock was set back for the first time; 0 when it never was.</summary>
    public long FirstClockStepFrame => steps.Count == 0 ? 0 : steps[0].Frame;

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

    /// <summary>The time of a frame of this capture as it stands there, but for the shift that was asked for.</summary>
    /// <param name="number">The frame's number.</param>
    /// <param name="arrivalNs">When it arrived.</param>
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
            GoOn();
            return;
        }

        if (result != Libpcap.EndOfFile)
        {
            Volatile.Write(ref fault, CaptureFile.ReadFault(path, intake.Number + 1, records.LastError));
        }

        Volatile.Write(ref ended, true);
    }

    /// <summary>Where the clock was set back, time goes on with the newest frame before it.</summary>
    private void GoOn()
    {
        if (intake.Number > 1 && latestNs - timestampNs > PortLimits.CaptureDisorderNs)
        {
            long forwardNs = latestNs - timestampNs;
            steps.Add(new ClockStep(intake.Number, forwardNs));
            ShiftNs += forwardNs;
            latestNs = timestampNs;
        }

        latestNs = Math.Max(latestNs, timestampNs);
    }

    /// <summary>An instant at which the capture's clock was set back.</summary>
    /// <param name="Frame">Number of the first frame after it.</param>
    /// <param name="ForwardNs">What is added to its time and to all later ones.</param>
    private readonly record struct ClockStep(long Frame, long ForwardNs);
}
