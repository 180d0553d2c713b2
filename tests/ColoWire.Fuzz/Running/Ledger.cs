// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using ColoWire.Engine;
using ColoWire.Engine.Flows;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Wire;
using ColoWire.Fuzz.Cases;

namespace ColoWire.Fuzz.Running;

/// <summary>
/// Keeps account of every frame between the ports: a frame that leaves must have been received, byte for byte, must leave once,
/// and after the frames of its flow that were received before it.
/// </summary>
internal sealed class Ledger
{
    private const int Nobody = -1;
    private const int NoFlow = -1;
    private static readonly FlowHashKey LowKey = FlowHashKey.FromSeed(0xC0105);
    private static readonly FlowHashKey HighKey = FlowHashKey.FromSeed(0x51DE5);

    private readonly FuzzCase ofCase;
    private readonly SecondaryOutputModel? secondaryOutput;
    private readonly int[][] owners;
    private readonly int[] flowOf;
    private readonly int[] orderOf;
    private readonly Dictionary<ulong, int> flows = [];
    private readonly List<int> lastLeft = [];
    private readonly bool completesChecksums;
    private int order;

    public Ledger(FuzzCase ofCase, SecondaryOutputModel? secondaryOutput)
    {
        this.ofCase = ofCase;
        this.secondaryOutput = secondaryOutput;
        int slots = FrameArena.AllSides * (ofCase.Options.SlotsPerSide + ofCase.Options.LargeSlotsPerSide);
        owners = new int[ofCase.Shape.Pipelines][];
        for (int i = 0; i < owners.Length; i++)
        {
            owners[i] = new int[slots];
            Array.Fill(owners[i], Nobody);
        }

        flowOf = new int[ofCase.Steps.Count];
        orderOf = new int[ofCase.Steps.Count];
        completesChecksums = ofCase.Options.PartialChecksums == PartialChecksumPolicy.Complete;
    }

    /// <summary>Number of the primary's frames that the engine has received.</summary>
    public int PrimariesTaken { get; private set; }

    public int PrimariesLeft { get; private set; }

    public int SecondariesTaken { get; private set; }

    public int SecondariesLeft { get; private set; }

    public void Take(int pipeline, FrameRef slot, int index)
    {
        owners[pipeline][slot.Slot] = index;
        Step step = ofCase.Steps[index];
        orderOf[index] = order++;
        ReadOnlySpan<byte> frame = WithoutVnetHeader(in step);
        FrameParser.Parse(frame, out FrameLayout layout);
        flowOf[index] = NoFlow;
        if (layout.Kind < FrameKind.Fragment && frame.Length != 0)
        {
            FlowKey.Read(frame, in layout, out FlowKey key);
            ulong name = (((ulong)key.Hash(in HighKey) << 32) | key.Hash(in LowKey)) + (ulong)pipeline;
            if (!flows.TryGetValue(name, out int flow))
            {
                flows[name] = flow = flows.Count;
                lastLeft.Add(Nobody);
            }

            flowOf[index] = flow;
            secondaryOutput?.Take(step.Side, flow, frame, in layout);
        }

        if (step.Side == Side.Primary)
        {
            PrimariesTaken++;
        }
        else
        {
            SecondariesTaken++;
        }
    }

    public void Leave(int pipeline, FrameRef slot, ReadOnlySpan<byte> content)
    {
        int index = owners[pipeline][slot.Slot];
        if (index == Nobody)
        {
            throw new InvariantException("left twice", $"slot {slot.Slot} of pipeline {pipeline} has no frame to send");
        }

        owners[pipeline][slot.Slot] = Nobody;
        Step step = ofCase.Steps[index];
        ReadOnlySpan<byte> sent = WithoutVnetHeader(in step);
        if (!content.SequenceEqual(sent) && !(completesChecksums && CompletedChecksum.IsRight(sent, content)))
        {
            throw new InvariantException(
                "left changed", $"step {index}: {Convert.ToHexString(sent)} left as {Convert.ToHexString(content)}");
        }

        if (step.Side == Side.Secondary)
        {
            SecondariesLeft++;
            return;
        }

        PrimariesLeft++;
        int flow = flowOf[index];
        if (flow == NoFlow)
        {
            return;
        }

        if (lastLeft[flow] > orderOf[index])
        {
            throw new InvariantException("left out of order", $"step {index} left behind a later frame of its flow (R6)");
        }

        lastLeft[flow] = orderOf[index];
        if (secondaryOutput is not null)
        {
            FrameParser.Parse(sent, out FrameLayout layout);
            secondaryOutput.Leave(flow, sent, in layout);
        }
    }

    private ReadOnlySpan<byte> WithoutVnetHeader(in Step step)
    {
        int header = ofCase.Shape.VnetBytes(step.Side);
        ReadOnlySpan<byte> frame = ofCase.Frame(in step);
        return frame.Length < header ? frame : frame[header..];
    }
}
