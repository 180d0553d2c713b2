// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Diagnostics;
using System.IO;
using System.Text;
using System.Threading;

namespace ColoWire.Rig.Qemu;

/// <summary>
/// Feeds QEMU's colo-compare with two captures and counts what comes out. One thread that never sleeps while frames are on their
/// way does all of it: QEMU never has to wake anyone, and it never waits for frames.
/// </summary>
internal sealed class QemuDriver : IDisposable
{
    /// <summary>Longest time in which nothing moves although it should.</summary>
    private static readonly TimeSpan StallPatience = TimeSpan.FromSeconds(5);

    /// <summary>After so long without a frame nothing more comes: QEMU decides within microseconds of a frame's
    /// arrival.</summary>
    private static readonly TimeSpan QuietTime = TimeSpan.FromMilliseconds(200);

    /// <summary>
    /// Time between two looks at what came out. Looking all the time takes the socket's cache lines away from QEMU, which costs
    /// it up to a tenth; looking too seldom lets the socket fill up, at some 130 small frames, and QEMU then sleeps for 100 us.
    /// </summary>
    private static readonly TimeSpan LookInterval = TimeSpan.FromMicroseconds(20);

    /// <summary>The scheduler brings a running thread's account up to date at its tick, a sleeping one's at once.</summary>
    private static readonly TimeSpan SettleTime = TimeSpan.FromMilliseconds(5);

    /// <summary>What is hot is compiled again while a program runs, on the core that it runs on: pauses let that come to its
    /// end.</summary>
    private const int WarmUpSteps = 4;
    private static readonly TimeSpan WarmUpPause = TimeSpan.FromMilliseconds(100);

    private readonly FramedCapture primary;
    private readonly FramedCapture secondary;
    private readonly QemuSocket primaryIn;
    private readonly QemuSocket secondaryIn;
    private readonly QemuSocket outdev;
    private readonly QemuSocket? notifyDev;
    private readonly SendStream primaryStream;
    private readonly SendStream secondaryStream;
    private readonly Pace pace;
    private readonly ProcessTimes times;
    private readonly int warmUp;
    private readonly FrameCounter released = new();
    private readonly FrameCounter requests = new();
    private readonly byte[] buffer = new byte[1 << 18];
    private long looked;

    /// <summary>Reads the captures and connects to QEMU.</summary>
    /// <exception cref="RigException">A capture cannot be used, or QEMU is not there.</exception>
    public QemuDriver(QemuRequest request)
    {
        primary = FramedCapture.Read(request.PrimaryPath);
        secondary = FramedCapture.Read(request.SecondaryPath);
        if (primary.Frames != secondary.Frames)
        {
            throw new RigException(
                $"{request.SecondaryPath}: has {secondary.Frames} frames, {request.PrimaryPath} "
                + $"{primary.Frames}; pairs are needed");
        }

        // In this order: QEMU opens the next socket only when it has a client of the one before.
        primaryIn = new QemuSocket(Path.Combine(request.Folder, "primary_in"));
        secondaryIn = new QemuSocket(Path.Combine(request.Folder, "secondary_in"));
        outdev = new QemuSocket(Path.Combine(request.Folder, "outdev"));
        notifyDev = request.HasNotice ? new QemuSocket(Path.Combine(request.Folder, "notify_dev")) : null;
        primaryStream = new SendStream(primary, primaryIn);
        secondaryStream = new SendStream(secondary, secondaryIn);
        pace = request.Timed ? new TimedPace(primary, secondary) : new WindowPace(primary.Frames, request.Window, request.Batch);
        warmUp = request.Timed ? 0 : request.WarmUp;
        if (warmUp >= primary.Frames)
        {
            throw new RigException(
                $"--warm-up {warmUp}: {request.PrimaryPath} has {primary.Frames} frames, and some are to be measured");
        }

        times = new ProcessTimes(request.ProcessId);
    }

    private bool IsSent => primaryStream.IsDone && secondaryStream.IsDone;

    private bool IsBehind => !primaryStream.HasSent(pace.PrimaryDue) || !secondaryStream.HasSent(pace.SecondaryDue);

    /// <summary>Sends all frames and waits for what comes out.</summary>
    /// <exception cref="RigException">QEMU died, or does not go on.</exception>
    public QemuResult Run()
    {
        // What is driven has seen by then that all are connected, and compares.
        _ = times.WaitUntilIdle();
        WarmUp();
        long startNs = times.WaitUntilIdle();
        long start = Stopwatch.GetTimestamp();
        long end = pace is TimedPace ? ExchangeUntilQuiet() : Exchange(primary.Frames);
        Thread.Sleep(SettleTime);
        long cpuNs = times.CpuNs - startNs;
        int compared = released.Frames;
        if (notifyDev is not null)
        {
            Checkpoint(notifyDev);
        }

        return new QemuResult(
            primary.Frames - warmUp,
            released.Frames - warmUp,
            released.Frames - compared,
            requests.Frames,
            Stopwatch.GetElapsedTime(start, end).TotalSeconds,
            cpuNs);
    }

    public void Dispose()
    {
        primaryIn.Dispose();
        secondaryIn.Dispose();
        outdev.Dispose();
        notifyDev?.Dispose();
    }

    private void WarmUp()
    {
        for (int step = 1; step <= WarmUpSteps && warmUp != 0; step++)
        {
            pace.Goal = (int)((long)warmUp * step / WarmUpSteps);
            Exchange(pace.Goal);
            Thread.Sleep(WarmUpPause);
        }

        pace.Goal = int.MaxValue;
    }

    // Until as many have come out as went in.
    private long Exchange(int goal)
    {
        long moved = Stopwatch.GetTimestamp();
        while (released.Frames < goal)
        {
            if (Move())
            {
                moved = Stopwatch.GetTimestamp();
            }
            else if (Stopwatch.GetElapsedTime(moved) > StallPatience)
            {
                throw new RigException(
                    $"outdev: QEMU has sent nothing for {StallPatience.TotalSeconds} s; {released.Frames} "
                    + $"of {goal} frames came out");
            }
        }

        return moved;
    }

    // Until all have gone in, each when it is due, and nothing more comes out.
    private long ExchangeUntilQuiet()
    {
        long moved = Stopwatch.GetTimestamp();
        while (!IsSent || Stopwatch.GetElapsedTime(moved) < QuietTime)
        {
            if (Move())
            {
                moved = Stopwatch.GetTimestamp();
            }
            else if (IsBehind && Stopwatch.GetElapsedTime(moved) > StallPatience)
            {
                throw new RigException($"primary_in, secondary_in: QEMU has taken nothing for {StallPatience.TotalSeconds} s");
            }
        }

        return moved;
    }

    private bool Move()
    {
        bool moves = Stopwatch.GetElapsedTime(looked) >= LookInterval && Look();
        pace.Advance(released.Frames);
        moves |= primaryStream.SendUntil(pace.PrimaryDue);
        moves |= secondaryStream.SendUntil(pace.SecondaryDue);
        return moves;
    }

    private bool Look()
    {
        bool moves = Count(outdev, released);
        if (notifyDev is not null)
        {
            moves |= Count(notifyDev, requests);
        }

        looked = Stopwatch.GetTimestamp();
        return moves;
    }

    private bool Count(QemuSocket socket, FrameCounter counter)
    {
        int received = socket.Receive(buffer);
        counter.Add(buffer.AsSpan(0, received));
        return received != 0;
    }

    // What QEMU is told when a checkpoint is made: it lets out all that it holds.
    private void Checkpoint(QemuSocket notify)
    {
        byte[] message = [0, 0, 0, 15, .. Encoding.ASCII.GetBytes("COLO_CHECKPOINT")];
        if (notify.Send(message) != message.Length)
        {
            throw new RigException("notify_dev: QEMU does not take the notice of a checkpoint");
        }

        ExchangeUntilQuiet();
    }
}
