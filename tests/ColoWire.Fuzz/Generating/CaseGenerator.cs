// SPDX-License-Identifier: GPL-2.0-or-later

using System.Linq;
using ColoWire.Engine;
using ColoWire.Fuzz.Cases;

namespace ColoWire.Fuzz.Generating;

/// <summary>Makes a case from a seed: options, and the actions of two guests, a hypervisor and an operator. The same seed gives
/// the same case.</summary>
/// <param name="corpus">Captures to take frames from.</param>
/// <param name="isAlike">Whether both sides send the same frames in each case, so that no flow may diverge
/// (<see cref="Promise.Alike"/>).</param>
internal sealed class CaseGenerator(Corpus corpus, bool isAlike = false)
{
    private const int FramesPerCase = 1200;
    private const long Us = 1000;
    private const long Ms = 1_000_000;

    private static readonly int[] VnetHeaders = [0, 0, 0, 10, 12, 20];

    private byte[] bytes = new byte[1 << 18];

    /// <summary>Makes the case of a seed. Its bytes are valid until the next case is made.</summary>
    public FuzzCase Make(ulong seed)
    {
        Dice dice = new(seed);
        return isAlike ? MakeAlike(seed, dice) : MakeAny(seed, dice, dice.OneIn(6) ? Promise.Spoken : Promise.None);
    }

    private FuzzCase MakeAny(ulong seed, Dice dice, Promise promise)
    {
        bool isSpoken = promise == Promise.Spoken;
        EngineOptions options = OptionDraw.Draw(dice);
        if (isSpoken)
        {
            // Observe mode releases frames before they are compared, and policies release frames that are not compared.
            options = options with
            {
                Mode = CompareMode.Lockstep,
                Policies = [],
                Duplicate = DuplicatePolicy.Hold,
                Reset = ResetPolicy.Compare,
                SecondaryLoss = SecondaryLossPolicy.Hold,
                RequesterLoss = RequesterLossPolicy.Hold,
                HashKey = options.HashKey,
            };
        }

        Dice ofClients = new(~seed);
        bool hasClients = !isSpoken && ofClients.OneIn(3);
        options = hasClients ? options with { Inbound = InboundMode.Mirror } : options;
        FuzzCase made = new()
        {
            Seed = seed,
            Options = options,
            Promise = promise,
            Shape = new Shape
            {
                Pipelines = dice.OneIn(6) ? dice.Between(2, 3) : 1,
                PrimaryVnetBytes = isSpoken ? 0 : dice.Pick<int>(VnetHeaders),
                SecondaryVnetBytes = isSpoken ? 0 : dice.Pick<int>(VnetHeaders),
                OutputKeepsVnetHeader = dice.OneIn(3),
                OutputKeepsCalls = dice.OneIn(3) ? dice.Between(1, 20) : 0,
                Synchronises = isSpoken || !dice.OneIn(5),
                Answers = !isSpoken && dice.OneIn(2),
                Heals = dice.OneIn(2),
                HandsOver = dice.OneIn(4),
                ReplicaMaxBytes = hasClients && ofClients.OneIn(4) ? ofClients.LogBetween(40, 1500) : 0,
            },
        };
        Script script = new(dice, made, corpus, bytes)
        {
            ClientRarity = hasClients ? ofClients.LogBetween(1, 12) : 0,
            IsWhole = isSpoken,
            EventRarity = isSpoken ? 0 : dice.LogBetween(5, 3000),
            MutationRarity = isSpoken ? 0 : dice.OneIn(3) ? 0 : dice.LogBetween(1, 300),
            LieRarity = dice.OneIn(3) ? 0 : dice.LogBetween(2, 500),
            LossRarity = dice.OneIn(3) ? 0 : dice.LogBetween(2, 200),
            Disorder = dice.OneIn(2) ? 0 : dice.LogBetween(1, 40),
            Wildness = dice.OneIn(3) ? 0 : dice.LogBetween(1, 200),
            LongestPauseNs = dice.Pick<long>([Us, 100 * Us, Ms, 30 * Ms, 2000 * Ms]),
            PollRarity = dice.LogBetween(1, 60),
            Variety = dice.LogBetween(1, 300),
            Lag = dice.LogBetween(0, 200),
            LargestBytes = dice.Pick<int>([8, 100, 100, 400, 1400]),
        };
        script.Run((FramesPerCase / 3) + dice.Below(FramesPerCase));
        bytes = made.Bytes;
        return made;
    }

    /// <summary>Makes a case in which both sides send the same frames and no limit of the engine is reached, so that no
    /// checkpoint may be requested.</summary>
    private FuzzCase MakeAlike(ulong seed, Dice dice)
    {
        bool isHostile = dice.OneIn(2);
        EngineOptions drawn = OptionDraw.Draw(dice);
        FuzzCase made = new()
        {
            Seed = seed,
            Promise = isHostile ? Promise.AlikeHostile : Promise.Alike,
            Options = new EngineOptions
            {
                Mode = drawn.Mode,
                Shards = drawn.Shards,
                RetransmitWindow = drawn.RetransmitWindow,
                ReorderWindow = drawn.ReorderWindow,
                Reset = drawn.Reset,
                Duplicate = drawn.Duplicate,
                PartialChecksums = drawn.PartialChecksums,
                Overflow = drawn.Overflow,
                // A window is compared with the last one of the secondary, which may be older or newer than the primary's
                // segment.
                Strict = [.. drawn.Strict.Where(field => field is not (ToleratedField.Window or ToleratedField.ZeroWindow))],
                HashKey = drawn.HashKey,
                Policies = [.. drawn.Policies.Where(rule => rule.Action != PolicyAction.Drop)],
                MaxQueueSize = 2048,
                SlotsPerSide = 1024,
                LargeSlotsPerSide = 16,
                Flows = 1024,
            },
            Shape = new Shape { Synchronises = !dice.OneIn(4), OutputKeepsCalls = dice.Below(3) },
        };
        Script script = new(dice, made, corpus, bytes)
        {
            IsAlike = true,
            MutationRarity = !isHostile || dice.OneIn(2) ? 0 : dice.LogBetween(2, 100),
            Wildness = isHostile ? dice.LogBetween(2, 200) : 0,
            LongestPauseNs = 20 * Us,
            PollRarity = dice.LogBetween(1, 12),
            Variety = dice.LogBetween(1, 30),
            Lag = dice.LogBetween(0, 12),
            LargestBytes = dice.Pick<int>([8, 100, 100, 400, 1400]),
        };
        script.Run((FramesPerCase / 6) + dice.Below(FramesPerCase / 3));
        bytes = made.Bytes;
        return made;
    }
}
