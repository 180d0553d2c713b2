// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Threading;
using ColoWire.Engine;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Pipelines;
using ColoWire.Hosting;

namespace ColoWire.Tests.Program;

/// <summary>Gives frames from memory as fast as they are asked for.</summary>
internal sealed class FakeCapturePort(string name, int count, Func<int, byte[]> frameOf) : ICapturePort
{
    private const int DistinctFrames = 64;

    private readonly byte[][] frames = Array.ConvertAll(new byte[DistinctFrames][], _ => Array.Empty<byte>());
    private long delivered;
    private long bytes;
    private bool prepared;

    public string Name => name;

    public CaptureStatistics Statistics => new(Volatile.Read(ref delivered), Volatile.Read(ref bytes), 0, 0, 0, 0);

    /// <summary>How many frames may have come so far; any thread may raise it.</summary>
    public int Allowed { get; set; } = int.MaxValue;

    /// <summary>Runs on the capturing thread before each batch.</summary>
    public Action? OnReceive { get; set; }

    public int Receive(SlotPool pool, Span<FrameRef> batch, long nowNs)
    {
        Prepare();
        OnReceive?.Invoke();
        int taken = 0;
        while (taken < batch.Length && delivered < Math.Min(count, Allowed) && pool.TryTake(frames[delivered % DistinctFrames].Length, out batch[taken]))
        {
            byte[] frame = frames[delivered % DistinctFrames];
            pool.Arena[batch[taken]].ArrivalNs = nowNs;
            frame.CopyTo(pool.Arena.SlotBytes(batch[taken]));
            Volatile.Write(ref bytes, bytes + frame.Length);
            Volatile.Write(ref delivered, delivered + 1);
            taken++;
        }

        return taken;
    }

    public void Dispose()
    {
    }

    private void Prepare()
    {
        for (int i = 0; i < DistinctFrames && !prepared; i++)
        {
            frames[i] = frameOf(i);
        }

        prepared = true;
    }
}

/// <summary>Takes frames, or refuses them.</summary>
internal sealed class FakeInjectPort(bool stuck = false) : IInjectPort
{
    private readonly FrameRef[] taken = new FrameRef[1024];
    private int takenCount;
    private long sent;
    private long bytes;
    private long retries;

    public string Name => "fake:out";

    public InjectStatistics Statistics => new(Volatile.Read(ref sent), Volatile.Read(ref bytes), Volatile.Read(ref retries), 0, 0, 0);

    public int Inject(FrameArena arena, ReadOnlySpan<FrameRef> frames, long nowNs)
    {
        if (stuck)
        {
            Volatile.Write(ref retries, retries + 1);
            return 0;
        }

        int count = Math.Min(frames.Length, taken.Length - takenCount);
        frames[..count].CopyTo(taken.AsSpan(takenCount));
        takenCount += count;
        foreach (FrameRef frame in frames[..count])
        {
            Volatile.Write(ref bytes, bytes + arena[frame].Length);
        }

        Volatile.Write(ref sent, sent + count);
        return count;
    }

    public int Reclaim(Span<FrameRef> frames)
    {
        int count = Math.Min(frames.Length, takenCount);
        taken.AsSpan(0, count).CopyTo(frames);
        taken.AsSpan(count, takenCount - count).CopyTo(taken);
        takenCount -= count;
        return count;
    }

    public void Dispose()
    {
    }
}

/// <summary>Ports of an appliance that stand in memory.</summary>
internal static class FakePorts
{
    /// <summary>What the frames of one pipeline of the tests need.</summary>
    public static EngineOptions Slots { get; } = new() { LargeSlotsPerSide = 0 };

    /// <summary>Ports of one pipeline, over an arena of its own.</summary>
    public static AppliancePorts Of(ICapturePort primary, ICapturePort secondary, IInjectPort output) =>
        new([Pipeline(primary, secondary, output)]);

    /// <summary>The ports of a pipeline, over an arena of its own.</summary>
    public static PipelinePorts Pipeline(ICapturePort primary, ICapturePort secondary, IInjectPort output) =>
        new(FramePath.MakeArena(Slots), primary, secondary, output);
}
