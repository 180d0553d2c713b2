// SPDX-License-Identifier: GPL-2.0-or-later

using System.Linq;
using System.Threading;
using BenchmarkDotNet.Attributes;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Rings;
using ColoWire.Ports;
using ColoWire.Ports.Linux;

namespace ColoWire.Benchmarks.Micro;

/// <summary>The transfer of frames through a ring: each frame is added alone, frames are published and taken in
/// batches.</summary>
public class RingBenchmarks
{
    private const int Items = 1 << 16;
    private const int RingItems = 4096;
    private const int MostBatch = 64;

    private readonly FrameRef[] taken = new FrameRef[MostBatch];
    private SpscRing<FrameRef> ring = new(RingItems);
    private Thread? consumer;
    private bool stop;
    private long consumed;
    private long produced;

    /// <summary>Number of frames between two publications, and the greatest number that is taken at once.</summary>
    [Params(1, 16, 64)]
    public int Batch { get; set; }

    /// <summary>Starts the consumer on another processor than this thread's.</summary>
    [GlobalSetup(Target = nameof(TwoThreads))]
    public void SetUp()
    {
        ring = new SpscRing<FrameRef>(RingItems);
        stop = false;
        consumed = produced = 0;
        consumer = new Thread(Consume);
        consumer.Start();
    }

    /// <summary>Ends the consumer.</summary>
    [GlobalCleanup(Target = nameof(TwoThreads))]
    public void CleanUp()
    {
        Volatile.Write(ref stop, true);
        consumer?.Join();
    }

    /// <summary>Producer and consumer on one thread: the cost of the ring's instructions.</summary>
    [Benchmark(Baseline = true, OperationsPerInvoke = Items)]
    public int OneThread()
    {
        int count = 0;
        for (int i = 0; i < Items; i += Batch)
        {
            for (int j = 0; j < Batch; j++)
            {
                ring.Add(new FrameRef((uint)(i + j)));
            }

            ring.Publish();
            count += ring.Read(taken);
        }

        return count;
    }

    /// <summary>Producer and consumer on two processors; the measurement ends when the last frame has been taken.</summary>
    [Benchmark(OperationsPerInvoke = Items)]
    public void TwoThreads()
    {
        for (int i = 0; i < Items; i += Batch)
        {
            for (int j = 0; j < Batch; j++)
            {
                while (!ring.TryAdd(new FrameRef((uint)(i + j))))
                {
                    ring.Publish();
                    Thread.Yield();
                }
            }

            ring.Publish();
        }

        produced += Items;
        while (Volatile.Read(ref consumed) != produced)
        {
            Thread.Yield();
        }
    }

    private void Consume()
    {
        LeaveProcessor();
        FrameRef[] batch = new FrameRef[Batch];
        while (!Volatile.Read(ref stop))
        {
            int count = ring.Read(batch);
            if (count != 0)
            {
                Volatile.Write(ref consumed, consumed + count);
            }
            else
            {
                // On a machine with one processor the other thread needs that processor.
                Thread.Yield();
            }
        }
    }

    /// <summary>Sets the thread's affinity, because the threads of a process bound to one processor inherit its
    /// affinity.</summary>
    private static void LeaveProcessor()
    {
        int own = CpuAffinity.AllowedCpus()[0];
        foreach (int other in Enumerable.Range(0, own + 2).Where(cpu => cpu != own))
        {
            try
            {
                CpuAffinity.Pin(other);
                return;
            }
            catch (PortException)
            {
                // This processor does not exist; another one may, and without another one the thread stays where it is.
            }
        }
    }
}
