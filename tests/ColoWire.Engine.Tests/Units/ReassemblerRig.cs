// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using ColoWire.Engine.Fragments;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Wire;
using NUnit.Framework;

namespace ColoWire.Engine.Tests.Units;

/// <summary>A reassembler that a test feeds, and a list of its output; slots return to the pool at once.</summary>
internal sealed class ReassemblerRig : IDisposable
{
    private const long NanosecondsPerMs = 1_000_000;

    private readonly FrameArena arena;
    private readonly SlotPool pool;
    private readonly long timeoutNs;
    private readonly CompareMode mode;
    private uint epoch;
    private long nowNs;

    public ReassemblerRig(EngineOptions options, Side side)
    {
        arena = new FrameArena(options.SlotsPerSide, options.LargeSlotsPerSide);
        pool = side == Side.Primary ? arena.Primary : arena.Secondary;
        Reassembler = new Reassembler(pool, options);
        mode = options.Mode;
        timeoutNs = options.FragmentTimeoutMs * NanosecondsPerMs;
    }

    public Reassembler Reassembler { get; }

    /// <summary>The output, in order.</summary>
    public List<Emitted> Output { get; } = [];

    public void Accept(byte[] bytes)
    {
        Assert.That(pool.TryTake(bytes.Length, out FrameRef frame), "a slot for a frame that arrives");
        bytes.CopyTo(arena.SlotBytes(frame));
        ref Frame descriptor = ref arena[frame];
        descriptor.ArrivalNs = nowNs;
        descriptor.Epoch = epoch;
        descriptor.Marks = FrameMarks.None;
        FrameParser.Parse(bytes, out descriptor.Layout);
        Assert.That(descriptor.Layout.Kind, Is.EqualTo(FrameKind.Fragment));
        Reassembler.Accept(frame);
        TakeOutput();
    }

    public void Checkpoint()
    {
        epoch++;
        Reassembler.BeginEpoch(nowNs, mode);
        TakeOutput();
    }

    /// <summary>Advances the clock by exactly the timeout of incomplete datagrams.</summary>
    public void WaitForTimeout()
    {
        nowNs += timeoutNs;
        Reassembler.Expire(nowNs);
        TakeOutput();
    }

    public void StopAndCheckNothingLost()
    {
        Reassembler.GiveUpAll(DatagramOutcome.Stop, nowNs);
        TakeOutput();
        Assert.That(pool.IsFull, "a slot was not returned");
        Assert.That(Reassembler.Counters.Waiting, Is.Zero);
    }

    public void Dispose() => arena.Dispose();

    private void TakeOutput()
    {
        while (Reassembler.TryTake(out FrameRef frame))
        {
            ref Frame descriptor = ref arena[frame];
            byte[] bytes = arena.Bytes(frame).ToArray();
            List<byte[]> fragments = [];
            int count = 1;
            bool isAssembled = (descriptor.Marks & FrameMarks.Assembled) != 0;
            if (isAssembled)
            {
                FragmentChain chain = arena.Fragments(frame);
                count = chain.Count;
                for (FrameRef at = chain.First; !at.IsNone; at = arena[at].Next)
                {
                    fragments.Add(arena.Bytes(at).ToArray());
                    pool.Return(at);
                }
            }

            bool isForwarded = (descriptor.Marks & FrameMarks.ForwardOnly) != 0;
            Output.Add(new Emitted(bytes, descriptor.Layout.Kind, descriptor.Epoch, isForwarded, isAssembled, count, fragments));
            pool.Return(frame);
        }
    }
}

/// <summary>A frame of a reassembler's output.</summary>
/// <param name="Bytes">Its bytes.</param>
/// <param name="Kind">How it is treated.</param>
/// <param name="Epoch">Its epoch.</param>
/// <param name="IsForwarded">Whether the frame leaves without being compared.</param>
/// <param name="IsAssembled">Whether the frame is a reassembled datagram.</param>
/// <param name="Count">How many frames it counts as.</param>
/// <param name="Fragments">The frames that leave in its place.</param>
internal sealed record Emitted(
    byte[] Bytes, FrameKind Kind, uint Epoch, bool IsForwarded, bool IsAssembled, int Count, List<byte[]> Fragments)
{
    /// <summary>How many frames leave.</summary>
    public int Leaving => IsAssembled ? Fragments.Count : 1;

    public string Text =>
        $"{Kind} {(IsForwarded ? "forwarded" : "")} epoch {Epoch} x{Count} {Convert.ToHexString(Bytes)} [{string.Join(' ', Fragments.Select(Convert.ToHexString))}]";
}
