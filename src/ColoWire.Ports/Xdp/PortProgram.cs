// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Diagnostics;
using System.Threading;

namespace ColoWire.Ports.Xdp;

/// <summary>What the XDP program of a capture interface is to do.</summary>
/// <param name="Mode">How it runs.</param>
/// <param name="ToSocket">Frames go to the AF_XDP sockets; else through the kernel's stack to a packet socket.</param>
/// <param name="TimeoutMs">How old the last beat may become; 0: closed, so when ColoWire dies nothing passes.</param>
/// <param name="WireInterfaceIndex">Where frames leave when ColoWire does not beat; null drops them.</param>
/// <param name="OutlivesProcess">The program stays when it is disposed of, as it does when the process dies.</param>
public sealed record PortProgramOptions(
    XdpMode Mode, bool ToSocket, int TimeoutMs, int? WireInterfaceIndex, bool OutlivesProcess);

/// <summary>
/// The XDP program of one capture interface: decides for each frame between ColoWire and, when ColoWire does not beat, the wire
/// (native-config/xdp/port.bpf.c).
/// </summary>
public sealed unsafe partial class PortProgram : IDisposable
{
    /// <summary>Receive queues of an interface that can have a socket (MAX_QUEUES of port.bpf.c).</summary>
    public const int MaxQueues = 64;

    /// <summary>What the kernel shows as the program's name.</summary>
    public const string Name = "colowire_port";

    /// <summary>How often a beat is written, at most. The shortest timeout is four of these.</summary>
    internal const long BeatCycleNs = 250_000;

    private const long NanosecondsPerMillisecond = 1_000_000;

    private readonly string interfaceName;
    private int interfaceIndex;
    private readonly PortProgramOptions options;
    private readonly ProgramObjects objects;
    private readonly PortState state;
    private volatile bool handedOver;

    private PortProgram(string interfaceName, int interfaceIndex, PortProgramOptions options, ProgramObjects objects)
    {
        this.interfaceName = interfaceName;
        this.interfaceIndex = interfaceIndex;
        this.options = options;
        this.objects = objects;
        Id = Bpf.ProgramInfo(objects.Program).Id;
        state = objects.State;
        state.Set(options.TimeoutMs * NanosecondsPerMillisecond, passWhenAlive: !options.ToSocket);
        state.HandedOverAtNs = NowNs;
        state.Owner = ProgramOwner.ThisProcess;
        state.OwnedSinceNs = NowNs;
    }

    /// <summary>Frames that went to a socket.</summary>
    public long ToSocketFrames => state.ToSocket;

    /// <summary>Frames that went through the kernel's stack to ColoWire.</summary>
    public long PassedFrames => state.Passed;

    /// <summary>Frames that went past ColoWire because it did not beat.</summary>
    public long ToWireFrames => state.ToWire;

    /// <summary>Frames that were dropped because ColoWire did not beat.</summary>
    public long DroppedFrames => state.Dropped;

    /// <summary>The kernel's number of it.</summary>
    internal uint Id { get; }

    /// <summary>How it runs, and where its frames go.</summary>
    internal PortProgramOptions Options => options;

    /// <summary>How it was before <see cref="TakeOver"/>: null where no program of ColoWire's was on the interface.</summary>
    public Bypass? Before { get; private set; }

    /// <summary>The last beat of any queue; 0 for none.</summary>
    internal long LastBeatNs => state.LastBeatNs;

    /// <summary>Descriptor of the program in the kernel.</summary>
    internal int Descriptor => objects.Program;

    /// <summary>The clock of bpf_ktime_get_ns: CLOCK_MONOTONIC, which the stopwatch reads in nanoseconds.</summary>
    private static long NowNs => Stopwatch.GetTimestamp();

    /// <summary>Makes the maps and loads the program; attaches nothing.</summary>
    /// <exception cref="PortException">There is no such interface, permission is lacking, or the kernel refuses the program.</exception>
    public static PortProgram Load(string interfaceName, PortProgramOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        int interfaceIndex = InterfaceIndex.Of(interfaceName);
        ProgramObjects objects = ProgramObjects.Make();
        try
        {
            if (options is { WireInterfaceIndex: { } wire, TimeoutMs: not 0 })
            {
                objects.SetWire(wire);
            }

            return new PortProgram(interfaceName, interfaceIndex, options, objects);
        }
        catch
        {
            objects.Dispose();
            throw;
        }
    }

    /// <summary>From now on its place is on another interface, which stands for the one that was removed. It is not attached there yet.</summary>
    internal void Follow(int newInterfaceIndex) => interfaceIndex = newInterfaceIndex;

    /// <summary>Sets where frames leave when ColoWire does not beat, in the place of an interface that was removed.</summary>
    internal void SetWire(int wireInterfaceIndex)
    {
        if (options is { WireInterfaceIndex: not null, TimeoutMs: not 0 })
        {
            objects.SetWire(wireInterfaceIndex);
        }
    }

    /// <summary>Gives the frames of a queue to a socket, which is bound to that queue of the interface.</summary>
    public void SetSocket(int queue, int socketDescriptor)
    {
        CheckQueue(queue);
        objects.SetSocket(queue, socketDescriptor);
    }

    /// <summary>Beats for a queue: its frames come to ColoWire until the timeout. For the path of a frame; a port whose frames go through
    /// the stack beats for queue 0 alone.</summary>
    /// <param name="queue">The queue.</param>
    /// <param name="nowNs">The time by CLOCK_MONOTONIC.</param>
    /// <returns>How old the last beat was, in nanoseconds, when the program saw this one: if that is more than the timeout, frames may have
    /// gone past ColoWire. 0 where no beat was due, and where this one came too late, so that they still go past.</returns>
    public long Beat(int queue, long nowNs)
    {
        Debug.Assert((uint)queue < MaxQueues, "a queue that has an entry");
        ref long beat = ref state.Beat(queue);
        long last = Volatile.Read(ref beat);
        if (nowNs - last < BeatCycleNs || handedOver)
        {
            return 0;
        }

        // Another thread may hand over between these lines: then the 0 stays, whichever of the two comes first.
        Interlocked.CompareExchange(ref beat, nowNs, last);
        if (handedOver)
        {
            Volatile.Write(ref beat, 0);
        }

        // Not from nowNs: this thread may have been preempted since the caller read it, and the program went on judging by the last beat.
        long seenNs = NowNs;
        bool isTooOld = options.TimeoutMs != 0 && seenNs - nowNs > options.TimeoutMs * NanosecondsPerMillisecond;
        return isTooOld ? 0 : seenNs - (last == 0 ? Volatile.Read(ref state.HandedOverAtNs) : last);
    }

    /// <summary>From now on frames go past ColoWire. The program stays attached; frames that are in a socket's ring stay there.</summary>
    public void HandOver()
    {
        Volatile.Write(ref state.HandedOverAtNs, NowNs);
        handedOver = true;
        for (int queue = 0; queue < MaxQueues; queue++)
        {
            Interlocked.Exchange(ref state.Beat(queue), 0);
        }
    }

    /// <summary>Ends <see cref="HandOver"/>: frames come to ColoWire again from the next beat on.</summary>
    public void TakeBack() => handedOver = false;

    /// <summary>The frames that went past since this was asked last, by whichever process: each is told of once.</summary>
    public BypassedFrames TakeBypassed()
    {
        BypassedFrames passedBy = BypassedFrames.NotTold(state);
        state.ToldToWire += passedBy.ToWire;
        state.ToldDropped += passedBy.Dropped;
        return passedBy;
    }

    /// <summary>For tests: the program is somebody else's.</summary>
    internal void OwnAs(long owner) => state.Owner = owner;

    /// <summary>Closes the descriptors. No thread may beat any more.</summary>
    public void Dispose()
    {
        if (!options.OutlivesProcess)
        {
            // Where another program stands in its place by now, or the interface is gone, there is nothing to be detached.
            _ = RouteNetlink.Attach(interfaceIndex, options.Mode, RouteNetlink.NoProgram, expected: objects.Program);
        }

        objects.Dispose();
    }

    private static void CheckQueue(int queue)
    {
        if ((uint)queue >= MaxQueues)
        {
            throw new PortException($"queue {queue}: an interface can have queues 0 to {MaxQueues - 1} for sockets");
        }
    }
}
