// SPDX-License-Identifier: GPL-2.0-or-later

using System;
using System.Collections.Generic;
using System.Linq;
using ColoWire.Engine.Frames;
using ColoWire.Engine.Tests.Bench;
using ColoWire.Engine.Wire;
using CsCheck;
using NUnit.Framework;

namespace ColoWire.Engine.Tests.Units;

/// <summary>Compares the reassembler with a model, and checks invariants for all inputs.</summary>
public sealed class ReassemblerModelTests
{
    private const int Versions = 2;

    // A datagram is cut at random units of 8 bytes; a number selects where each event happens.
    private static readonly Gen<List<Piece>> Datagrams =
        from version in Gen.Int[0, Versions - 1]
        from id in Gen.UInt[1, 3]
        from units in Gen.Int[1, 24]
        from scale in Gen.Int[0, 3].Select(i => i == 3 ? 240 : 8)
        from tail in Gen.Int[1, 8]
        from cuts in Gen.Int[1, 24].Array[0, 6]
        select Cut(
            version == 0 ? 4 : 6, id, ((units - 1) * scale) + tail, [.. cuts.Where(c => c < units).Select(c => c * scale)]);

    private static readonly Gen<(List<Piece> Pieces, int[] Order, int[] Spoiling)> Traffic =
        from datagrams in Datagrams.Array[1, 5]
        from order in Gen.Int[0, 7].Array[30]
        from spoiling in Gen.Int[0, 119].Array[30]
        select (datagrams.SelectMany(d => d).ToList(), order, spoiling);

    // The model has no limits, so the test must reach none.
    private static EngineOptions Roomy => TestBench.SmallOptions with { SlotsPerSide = 512, LargeSlotsPerSide = 32 };

    [Test]
    public void Agrees_with_the_model() => Traffic.Sample(
        traffic =>
        {
            using ReassemblerRig rig = new(Roomy, Side.Primary);
            ReassemblerModel model = new(Side.Primary);
            Play(traffic, piece =>
            {
                rig.Accept(piece.Frame);
                model.Accept(piece);
            }, rig.Checkpoint, model.Checkpoint, rig.WaitForTimeout, model.WaitForTimeout);
            rig.StopAndCheckNothingLost();
            model.GiveUpAll();
            Assert.That(rig.Output.Select(e => e.Text), Is.EqualTo(model.Output.Select(e => e.Text)));
        }, iter: 5000);

    /// <summary>The two sides and the two modes differ in the treatment of the fragments, never in the datagrams.</summary>
    [Test]
    public void All_put_the_same_datagrams_together(
        [Values] CompareMode mode, [Values(Side.Primary, Side.Secondary)] Side side) => Traffic.Sample(
        traffic =>
        {
            using ReassemblerRig rig = new(Roomy with { Mode = mode }, side);
            ReassemblerModel model = new(side);
            int sent = 0;
            Play(traffic, piece =>
            {
                sent++;
                rig.Accept(piece.Frame);
                model.Accept(piece);
            }, rig.Checkpoint, model.Checkpoint);
            rig.StopAndCheckNothingLost();
            Assert.That(Whole(rig.Output), Is.EqualTo(Whole(model.Output)));
            if (side == Side.Primary)
            {
                Assert.That(rig.Output.Where(e => !e.IsForwarded).Sum(e => e.Count), Is.EqualTo(sent), "frames counted once");
                Assert.That(rig.Output.Sum(e => e.Leaving), Is.EqualTo(sent), "frames that leave once");
            }
        }, iter: 2000);

    private static IEnumerable<string> Whole(List<Emitted> output) =>
        output.Where(e => e.Kind == FrameKind.OtherIp).Select(e => Convert.ToHexString(e.Bytes));

    private static List<Piece> Cut(int version, uint id, int length, int[] cuts)
    {
        byte[] payload = [.. Enumerable.Range(0, length).Select(i => (byte)(i + (i / 251) + (int)id))];
        int[] edges = [0, .. cuts.Where(c => c < length).Distinct().Order(), length];
        IEnumerable<Piece> pieces = edges.Zip(edges.Skip(1)).Select(edge =>
            new Piece(version, id, edge.First, payload[edge.First..edge.Second], edge.Second != length));
        // IPv4 does not mark an unfragmented datagram as a fragment.
        return version == 4 && edges.Length == 2 ? [] : [.. pieces];
    }

    /// <summary>Shuffles a little, sometimes drops, repeats or corrupts a fragment, or puts an event between two
    /// fragments.</summary>
    private static void Play(
        (List<Piece> Pieces, int[] Order, int[] Spoiling) traffic, Action<Piece> accept, Action checkpoint,
        Action modelCheckpoint,
        Action? wait = null, Action? modelWait = null)
    {
        Piece[] order = [.. traffic.Pieces.Select((piece, i) => (piece, At: i + traffic.Order[i % 30])).OrderBy(p => p.At)
            .Select(p => p.piece)];
        for (int i = 0; i < order.Length; i++)
        {
            Piece piece = order[i];
            switch (traffic.Spoiling[i % 30])
            {
                case 0:
                    continue;
                case 1 or 2:
                    accept(piece);
                    break;
                case 3 when piece.Start >= 16:
                    piece = piece with { Start = piece.Start - 8, Payload = [.. piece.Payload, .. new byte[8]] };
                    break;
                case 4 when piece.Payload.Length > 0:
                    accept(piece with { Payload = [(byte)(piece.Payload[0] ^ 1), .. piece.Payload[1..]] });
                    break;
                case 5 when piece.Start > 0:
                    piece = piece with { HasMore = !piece.HasMore };
                    break;
                case 6 when piece.Start > 0:
                    piece = piece with { Payload = piece.Payload[..^1] };
                    break;
                case 7:
                    checkpoint();
                    modelCheckpoint();
                    break;
                case 8:
                    wait?.Invoke();
                    modelWait?.Invoke();
                    break;
            }

            accept(piece);
        }
    }
}
