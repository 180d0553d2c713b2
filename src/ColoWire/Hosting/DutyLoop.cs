// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Threading;
using ColoWire.Engine;
using ColoWire.Options;
using ColoWire.Ports.Linux;

namespace ColoWire.Hosting;

/// <summary>
/// One thread, pinned to its core, that runs its duties in turn. While there is work it never leaves the core; when there is none its
/// <see cref="IdleStrategy"/> says when it sleeps in the kernel. It allocates nothing, logs nothing, and takes no lock.
/// </summary>
/// <remarks>
/// A thread with ports is woken by the next frame. One without, on a plan of several cores, is woken by nothing: rings are memory. It takes
/// short sleeps instead, where the strategy lets it sleep at all: <c>block</c> saves less there.
/// </remarks>
internal sealed class DutyLoop
{
    /// <summary>Longest sleep of a thread that the arrival of a frame wakes. Timers are in milliseconds, and a heartbeat must be seen
    /// several times within the 20 ms after which a wire would take over.</summary>
    public const int WaitMs = 1;

    /// <summary>Sleep of a thread that nothing wakes: as long as a frame may wait for a core that was idle.</summary>
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

    /// <summary>Makes a thread that does not run yet.</summary>
    /// <param name="name">Its name, as <c>top -H</c> shows it.</param>
    /// <param name="cpu">The core that it is pinned to.</param>
    /// <param name="duties">What it does in a round, in this order.</param>
    /// <param name="waitHandles">File descriptors of the ports that its duties capture from, and of whoever else wakes it.</param>
    /// <param name="strategy">What it does while there is nothing to do.</param>
    /// <param name="clock">The clock of its rounds.</param>
    /// <param name="failed">Called on the thread when a duty threw, which is a bug of the duty; the thread then ends.</param>
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

    /// <summary>Rounds done; any thread may read it, to see whether this one is alive.</summary>
    public long Rounds => Volatile.Read(ref rounds);

    /// <summary>When its last round began; 0 before the first one has ended. Any thread may read it.</summary>
    public long LastRoundNs => Volatile.Read(ref lastRoundNs);

    /// <summary>Starts the thread.</summary>
    public void Start() => thread.Start();

    /// <summary>Tells the thread to end after its round.</summary>
    public void BeginEnd() => Volatile.Write(ref ending, true);

    /// <summary>Waits for the thread to end.</summary>
    /// <returns>False when it has not.</returns>
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
        // A port that says ready and has nothing for the duties (its link went down, or no slot is free) must not keep the core busy.
        if (hasPorts && !wasReady)
        {
            return idle.Wait(WaitMs);
        }

        ShortSleep.Microseconds(SleepMicroseconds);
        return false;
    }
}
