// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Threading;
using ColoWire.Engine;
using ColoWire.Options;
using ColoWire.Ports.Linux;

namespace ColoWire.Hosting;

/// <summary>One thread, pinned to its core, that runs its duties in turn. While there is work it never sleeps; when there is
/// none, the <see cref="IdleStrategy"/> decides when it sleeps. It allocates nothing, logs nothing, and takes no lock.</summary>
/// <remarks>
/// The next frame wakes a thread with ports. Nothing wakes a thread without ports, because its input is a ring in memory: it
/// sleeps for short times instead, where the strategy allows sleeping. There <c>block</c> saves less CPU time.
/// </remarks>
internal sealed class DutyLoop
{
    /// <summary>Longest sleep of a thread that a frame can wake, in milliseconds. The kernel's programs must see several
    /// heartbeats within the 20 ms after which they send frames past ColoWire.</summary>
    public const int WaitMs = 1;

    /// <summary>Sleep of a thread that nothing wakes, in microseconds. A frame waits so long for an idle core, at most.</summary>
    public const int SleepMicroseconds = 50;

    private readonly int cpu;
    private readonly IDuty[] duties;
    private readonly IdleWait idle;
    private readonly bool hasPorts;
    private readonly SpinWindow spin;
    private readonly MonotonicClock clock;
    private readonly Action<Exception> failed;
    private readonly Thread thread;
    private bool ending;
    private long rounds;
    private long lastRoundNs;

    /// <summary>Makes a thread that is not started.</summary>
    /// <param name="name">The name, as <c>top -H</c> shows it.</param>
    /// <param name="cpu">The number of its CPU.</param>
    /// <param name="duties">The duties of a round, in this order.</param>
    /// <param name="waitHandles">File descriptors that wake it: those of the ports that its duties capture from, and of the
    /// requester.</param>
    /// <param name="strategy">What it does while there is no work.</param>
    /// <param name="clock">The clock of its rounds.</param>
    /// <param name="failed">Called on the thread when a duty has thrown, which is a bug of the duty. Then the thread
    /// ends.</param>
    public DutyLoop(
        string name, int cpu, IDuty[] duties, ReadOnlySpan<int> waitHandles, IdleStrategy strategy, MonotonicClock clock,
        Action<Exception> failed)
    {
        this.cpu = cpu;
        this.duties = duties;
        this.clock = clock;
        this.failed = failed;
        spin = new SpinWindow(strategy);
        hasPorts = waitHandles.Length != 0;
        idle = new IdleWait(waitHandles);
        thread = new Thread(Run) { Name = name, IsBackground = true };
    }

    /// <summary>Rounds done. Any thread may read it, to see whether this one makes progress.</summary>
    public long Rounds => Volatile.Read(ref rounds);

    /// <summary>When its last round began, in nanoseconds; 0 before the first one has ended. Any thread may read it.</summary>
    public long LastRoundNs => Volatile.Read(ref lastRoundNs);

    /// <summary>Starts the thread.</summary>
    public void Start() => thread.Start();

    /// <summary>Makes the thread end after its round.</summary>
    public void BeginEnd() => Volatile.Write(ref ending, true);

    /// <summary>Waits for the thread to end.</summary>
    /// <returns>False when it has not ended in time.</returns>
    public bool Join(TimeSpan patience) => !thread.IsAlive || thread.Join(patience);

    private void Run()
    {
        try
        {
            CpuAffinity.Pin(cpu);
            Poll();
        }
        catch (Exception exception)
        {
            failed(exception);
        }
    }

    private void Poll()
    {
        bool ready = false;
        while (!Volatile.Read(ref ending))
        {
            long nowNs = clock.NowNs;
            int work = 0;
            foreach (IDuty duty in duties)
            {
                work += duty.Poll(nowNs);
            }

            Volatile.Write(ref rounds, rounds + 1);
            Volatile.Write(ref lastRoundNs, nowNs);
            if (work != 0)
            {
                spin.NoteWork(nowNs);
                ready = false;
            }
            else if (!spin.CoversIdleRound(nowNs))
            {
                ready = Sleep(ready);
            }
        }
    }

    private bool Sleep(bool wasReady)
    {
        // A port can be readable without a frame for the duties (its link is down, or no slot is free): then the thread does not
        // poll it again at once.
        if (hasPorts && !wasReady)
        {
            return idle.Wait(WaitMs);
        }

        ShortSleep.Microseconds(SleepMicroseconds);
        return false;
    }
}
