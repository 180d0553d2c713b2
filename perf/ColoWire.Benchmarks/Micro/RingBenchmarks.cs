// SPDX-License-Identifier: GPL-2.0-or-later

using System.Linq;
using System.Threading;
using BenchmarkDotNet.Attributes;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Rings;
using ColoWire.Ports;
using ColoWire.Ports.Linux;

namespace ColoWire.Benchmarks.Micro;

/// <summary>Handing frames on through a ring, each frame added, published in batches and taken in batches.</summary>
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

    /// <summary>Frames between two publications, and the most that are taken at once.</summary>
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

    /// <summary>Producer and consumer are one thread: what the ring's instructions cost.</summary>
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

    /// <summary>Between two threads on two processors; the last frame has been taken when it ends.</summary>
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
                // Where there is but one processor, the other thread needs it.
                Thread.Yield();
            }
        }
    }

    /// <summary>A measured process is bound to one processor, and so would be all its threads.</summary>
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
                // No such processor; the next may be there, and where none is, the thread stays.
            }
        }
    }
}
